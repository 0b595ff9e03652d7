"""Every snippet of the guide compiles, and prints what the page shows."""

import os
import sys
from pathlib import Path

import pages
import pytest
import run
from crate import build

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

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


def test_troubles_are_titled_by_what_is_printed():
    """Each title is a part of a message that a page quotes; those without a quotation are few."""
    printed = "\n".join(block.text for page in PAGES for block in page.blocks)
    prose = [line for name in ("trouble.md", "compiler.md") for _, line in pages.Page(SRC / name).prose]
    titles = [line[3:] for line in prose if line.startswith("## ")]
    assert [title for title in titles if title not in printed] == [
        "FATAL: exception not rethrown",
        "The process is aborted for lack of memory",
        "this crate has no dependency called `buffer_runtime`",
        "views of this memory would dangle when it moves",
        "an error of a method that is not yours",
    ]


def manifests():
    return [(page, block, tomllib.loads(block.text)) for page in PAGES for block in page.of("toml")]


def test_manifests_depend_on_what_the_repository_depends_on():
    workspace = tomllib.loads((pages.REPOSITORY / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]
    known = tomllib.loads((pages.REPOSITORY / "buffer-runtime" / "Cargo.toml").read_text(encoding="utf-8"))["features"]
    checked = 0
    for page, block, manifest in manifests():
        for name, dependency in manifest.get("dependencies", {}).items():
            here = dependency if isinstance(dependency, dict) else {"version": dependency}
            there = workspace["dependencies"][name]
            if name == "buffer-runtime":
                assert set(here.get("features", [])) <= set(known), page.problem(block.line, "an unknown feature")
            else:
                expected = there if isinstance(there, str) else there["version"]
                assert here["version"] == expected, page.problem(block.line, f"{name} has the version {expected}")
            checked += 1
    assert checked >= 7


def test_the_first_crate_is_the_one_that_xtask_writes():
    page = pages.Page(SRC / "first-class.md")
    for name in ("Cargo.toml", "pyproject.toml", "src/lib.rs"):
        template = (pages.REPOSITORY / "xtask" / "template" / name).read_text(encoding="utf-8")
        written = template.replace("NAME", "matrix").replace("RUNTIME", "../buffer/buffer-runtime")
        (shown,) = [block.text for block in page.blocks if block.words == [name]]
        assert shown == written
