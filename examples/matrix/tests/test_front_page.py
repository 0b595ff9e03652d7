"""The Python session on the front page of the runtime's documentation prints what the page shows."""

import doctest
import pathlib
import re

PAGE = pathlib.Path(__file__).parents[3] / "buffer-runtime" / "src" / "lib.rs"


def test_the_session_on_the_front_page():
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line[4:] for line in lines if line.startswith("//!"))
    [session] = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    examples = doctest.DocTestParser().get_doctest(session, {}, PAGE.name, str(PAGE), 0)
    assert len(examples.examples) > 5, "the front page has lost its session"
    report = []
    results = doctest.DocTestRunner(verbose=False).run(examples, out=report.append)
    assert results.failed == 0, "".join(report)
