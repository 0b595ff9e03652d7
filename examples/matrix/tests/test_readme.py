"""The README's Python session prints what the README shows."""

import doctest
import pathlib

README = pathlib.Path(__file__).parents[3] / "README.md"


def test_the_session_in_the_readme():
    session = doctest.DocTestParser().get_doctest(python_blocks(README), {}, README.name, str(README), 0)
    assert len(session.examples) > 10, "the README has lost its session"
    report = []
    results = doctest.DocTestRunner(verbose=False).run(session, out=report.append)
    assert results.failed == 0, "".join(report)


def python_blocks(path):
    """The text, with blank lines for all lines outside blocks of Python, so that the line numbers do not change."""
    kept = []
    inside = False
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            inside = line == "```python"
            line = ""
        kept.append(line if inside else "")
    return "\n".join(kept)
