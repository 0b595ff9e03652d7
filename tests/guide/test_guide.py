"""Every snippet of the guide compiles, and prints what the page shows."""

import os
from pathlib import Path

import pages
import pytest
import run
from crate import build

SRC = pages.REPOSITORY / "docs" / "guide" / "src"
PAGES = pages.pages(SRC)


@pytest.fixture(scope="module")
def built():
    return build(SRC, Path(os.environ["GUIDE_CRATE"]))


def test_links_and_contents():
    assert pages.problems(SRC) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.stem)
def test_page(page, built, tmp_path):
    problems = built.problems.get(page.name, [])
    if built.compiled:
        problems += run.problems(page, built.modules, tmp_path)
    elif not problems:
        pytest.fail("the Rust of another page does not compile")
    assert not problems, "\n".join(["", *problems])


def test_the_first_crate_is_the_one_that_xtask_writes():
    page = pages.Page(SRC / "first-class.md")
    for name in ("Cargo.toml", "pyproject.toml", "src/lib.rs"):
        template = (pages.REPOSITORY / "xtask" / "template" / name).read_text(encoding="utf-8")
        written = template.replace("NAME", "matrix").replace("RUNTIME", "../buffer/buffer-runtime")
        (shown,) = [block.text for block in page.blocks if block.words == [name]]
        assert shown == written
