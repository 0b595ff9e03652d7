"""Runs the Python session of a page, as doctest does: `python session.py PAGE`. Names are kept from block to block."""

import doctest
import sys

from pages import Page


def main():
    page = Page(sys.argv[1])
    text = "\n".join(page.only(page.sessions))
    session = doctest.DocTestParser().get_doctest(text, {"__name__": "__main__"}, page.path.name, page.name, 0)
    results = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(session)
    sys.exit(results.failed > 0)


if __name__ == "__main__":
    main()
