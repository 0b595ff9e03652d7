"""The tests of the guide fail if a page is wrong, and say where."""

import os
from pathlib import Path

import pages
import pytest
import run
from crate import QUOTED, build, compiler

RIGHT = """\
# Right

```rust
use pyo3::prelude::*;

#[pyfunction]
fn double(number: i32) -> i32 {
    number * 2
}
```

```python
>>> from right import double
>>> double(2)
4
```

See [above](#right), and below.

```rust
use pyo3::prelude::*;

#[pyfunction]
fn quadruple(number: i32) -> i32 {
    double(double(number))
}
```

```python
from right import quadruple

print(quadruple(2))
```

```text
8
```

```rust compile_fail
fn wrong() -> i32 {
    double("2")
}
```

```text
error[E0308]: mismatched types
  |     double("2")
```
"""


# The name of a page, what it has in place of what, and the problem that is found.
WRONG = [
    ("output", "\n4\n", "\n5\n", "12: the session prints something else:"),
    (
        "raised",
        "(2)\n4",
        "('')\nTraceback (most recent call last):\nTypeError: no",
        "12: the session prints something else:",
    ),
    ("printed", "\n8\n", "\n9\n", "29: the script prints something else:"),
    ("compiles", 'double("2")', "double(2)", "39: compiles, but is marked `compile_fail`"),
    (
        "misquoted",
        "mismatched",
        "matched",
        "39: the compiler does not say 'error[E0308]: matched types', or not there, but:",
    ),
    ("unquoted", "error[E0308]: mismatched types\n", "", "39: the page does not quote every error:"),
    ("anchor", "(#right)", "(#wrong)", "18: dead link: #wrong"),
    ("wrapped", "[above](#right)", "[as\nabove](#wrong)", "18: dead link: #wrong"),
    ("link", "(#right)", "(nowhere.md)", "18: dead link: nowhere.md"),
    ("ignored", "rust compile_fail", "rust,ignore", "39: a block that nothing checks: rust ['ignore']"),
]


def write(src, name, old="", new=""):
    assert old in RIGHT
    text = RIGHT.replace("right import", f"{name} import").replace(old, new) if old else RIGHT
    (src / f"{name}.md").write_text(text.replace("right import", f"{name} import"), encoding="utf-8")


def built(src):
    return build(src, Path(os.environ["GUIDE_CRATE"]).with_name("runner"))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The problems of the right page, and of pages that differ from it in one place."""
    src = tmp_path_factory.mktemp("src")
    for name, old, new, _ in WRONG:
        write(src, name, old, new)
    write(src, "right")
    write(src, "unlisted")
    names = [page.path.stem for page in pages.pages(src) if page.path.stem != "unlisted"]
    (src / "SUMMARY.md").write_text("".join(f"- [{name}]({name}.md)\n" for name in names), encoding="utf-8")
    rust = built(src)
    problems = pages.problems(src)
    for page in pages.pages(src):
        problems += rust.problems[page.name]
        problems += run.problems(page, rust.modules, tmp_path_factory.mktemp(page.path.stem))
    return [problem.replace(src.as_posix(), "") for problem in problems]


@pytest.mark.parametrize(("name", "expected"), [(name, expected) for name, *_, expected in WRONG])
def test_a_wrong_page_is_reported_with_its_line(found, name, expected):
    if name in ("misquoted", "unquoted") and not compiler().startswith(QUOTED):
        pytest.skip("messages of this compiler are not compared")
    problems = [problem.splitlines()[0] for problem in found if problem.startswith(f"/{name}.md")]
    assert problems == [f"/{name}.md:{expected}"]


def test_a_page_that_is_not_listed_is_reported(found):
    assert "/unlisted.md: not in SUMMARY.md" in found


def test_a_right_page_is_not_reported(found):
    assert not [problem for problem in found if "right.md" in problem]


def test_a_block_that_does_not_compile_is_reported_with_its_line(tmp_path):
    write(tmp_path, "right")
    write(tmp_path, "broken", "number * 2", "number * two")
    problems = built(tmp_path).problems
    assert problems[(tmp_path / "right.md").as_posix()] == []
    problem, *_ = problems[(tmp_path / "broken.md").as_posix()]
    assert "cannot find value `two`" in problem and "broken.md:8:14" in problem


def test_two_classes_of_one_name_are_refused(tmp_path):
    write(tmp_path, "twice", "fn quadruple", "fn double")
    with pytest.raises(AssertionError, match="two blocks have {'double'}"):
        built(tmp_path)
