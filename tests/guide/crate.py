"""Compiles the Rust of all pages as one extension module.

Each page is a module of one crate, and each line keeps its number, so that the compiler's messages point into the page.
The second block of a page is a module inside the first block's, and so on: a later block uses the items of the earlier
ones, and may repeat an import. A block that must not compile is a crate of its own, after the blocks before it.

Python imports the classes and functions of a page from a module that is named after the page, or from the `#[pymodule]`
that the page shows.
"""

import functools
import importlib.machinery
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pages import REPOSITORY, pages

MANIFEST = """\
[package]
name = "{name}"
edition = "2024"

[lib]
crate-type = ["cdylib"]

[dependencies]
buffer-runtime = {{ path = '{runtime}', features = {features} }}
aligned-vec = {{ version = "*", default-features = false }}
bytes = "*"
memmap2 = "*"
ndarray = "*"
pyo3 = {{ version = "*", default-features = false, features = ["macros"] }}

# This crate is not a member of the repository's workspace.
[workspace]
"""
FEATURES = ["aligned-vec", "bytes", "dlpack", "half", "memmap2", "ndarray", "num-complex", "pickle", "smallvec"]
# A block repeats the imports that it needs.
ALLOWED = "#![allow(unused_imports)]\n"
# What a block that must not compile need not import.
PRELUDE = "use {buffer_runtime::*, pyo3::prelude::*};"
CONTINUED = "mod continued { use super::*;"
EXPORTED = re.compile(
    r"#\[(pyclass|pyfunction|pymodule)\b[^]]*\](?:\s*(?:#\[.*\]|//.*))*\s*(?:struct|enum|fn|mod) (\w+)"
)


# Other compilers word their own parts of a message differently: as in `tests/tests/ui.rs`, they are not compared.
QUOTED = "rustc 1.95."


@dataclass
class Built:
    compiled: bool
    # Where Python finds the modules of the pages.
    modules: Path
    # The names of the pages, and what is wrong with the Rust on each.
    problems: dict


def build(src, out):
    """Writes the crate into `out`, and compiles it with cargo."""
    shutil.rmtree(out, ignore_errors=True)
    (out / "src").mkdir(parents=True)
    (out / "examples").mkdir()
    (out / "modules").mkdir()
    # Two crates of one name would share the file of their library.
    name = f"guide_{out.name}"
    runtime = (REPOSITORY / "buffer-runtime").as_posix()
    manifest = MANIFEST.format(name=name, runtime=runtime, features=json.dumps(FEATURES))
    modules = []
    mistakes = {}
    compiled = [page for page in pages(src) if page.of("rust")]
    for page in compiled:
        modules.append(page.module)
        (out / "src" / f"{page.module}.rs").write_text(module(page, page.rust, exports(page)), encoding="utf-8")
        for block, quoted in page.mistakes:
            before = [other for other in page.rust if other.line < block.line]
            target = f"{page.module}_{block.line}"
            text = module(page, [*before, block], "", PRELUDE)
            (out / "examples" / f"{target}.rs").write_text(text, encoding="utf-8")
            # A library needs no `main`, and is not linked.
            manifest += f'\n[[example]]\nname = "{target}"\ncrate-type = ["rlib"]\n'
            mistakes[target] = page, block, quoted
    (out / "Cargo.toml").write_text(manifest, encoding="utf-8")
    (out / "src" / "lib.rs").write_text(ALLOWED + "".join(f"mod {name};\n" for name in modules), encoding="utf-8")
    # The same versions as in the repository, so that cargo finds them compiled.
    shutil.copy(REPOSITORY / "Cargo.lock", out)

    library, messages = cargo(out, name)
    found = {page.name: [] for page in compiled}
    for page in compiled:
        for message in messages.get(name, []):
            if any(Path(span["file_name"]).stem == page.module for span in message["spans"]):
                found[page.name].append(in_page(page, message["rendered"]))
    if not library and not any(found.values()):
        raise RuntimeError(f"cargo built no module: {messages.get(name)}")
    for target, (page, block, quoted) in mistakes.items():
        found[page.name] += misquoted(page, block, quoted, messages.get(target, []))
    if library:
        for page in compiled:
            for name in names(page, "pymodule") or [page.module]:
                os.link(library, out / "modules" / (name + importlib.machinery.EXTENSION_SUFFIXES[-1]))
    return Built(library is not None, out / "modules", found)


def module(page, blocks, exported, prelude=""):
    lines = page.only(blocks)
    lines[0] = prelude
    for block in blocks[1:]:
        lines[block.line - 1] = CONTINUED
    return "\n".join([*lines, exported, "}" * (len(blocks) - 1), ""])


def names(page, *kinds):
    text = "".join(block.text for block in page.rust)
    return [name for kind, name in EXPORTED.findall(text) if kind in kinds]


def exports(page):
    """The module for Python, unless the page shows one."""
    exported = names(page, "pyclass", "pyfunction")
    repeated = {name for name in exported if exported.count(name) > 1}
    assert not repeated, (
        f"{page.name}: two blocks have {repeated}, and the session would use the last one in all blocks"
    )
    if names(page, "pymodule") or not exported:
        return ""
    return f"#[::pyo3::pymodule] mod {page.module} {{ #[pymodule_export] use super::{{{', '.join(exported)}}}; }}"


def cargo(out, name):
    """Compiles everything, also after an error. Returns the path of the extension module, if there is one, and the
    compiler's errors and warnings for each target."""
    arguments = "build --lib --examples --keep-going --message-format=json".split()
    command = [os.environ.get("CARGO", "cargo"), *arguments]
    ran = subprocess.run(command, cwd=out, capture_output=True, text=True, encoding="utf-8")
    library, messages = None, {}
    for line in ran.stdout.splitlines():
        event = json.loads(line)
        if event["reason"] == "compiler-artifact" and event["target"]["name"] == name:
            library = event["filenames"][0]
        elif event["reason"] == "compiler-message" and event["message"]["spans"]:
            messages.setdefault(event["target"]["name"], []).append(event["message"])
    if not library and not messages:
        raise RuntimeError(ran.stderr)
    return library, messages


@functools.cache
def compiler():
    return subprocess.run([os.environ.get("RUSTC", "rustc"), "--version"], capture_output=True, text=True).stdout


def in_page(page, rendered):
    """A message of the compiler, with the page's path, and with the names that the page has."""
    rendered = re.sub(rf"(--> |::: )(src|examples)[/\\]{page.module}(_\d+)?\.rs", rf"\1{page.name}", rendered)
    return rendered.replace("continued::", "")


def misquoted(page, block, quoted, messages):
    """What is wrong with the page's account of what the compiler says about this block."""
    messages = [message for message in messages if message["level"] == "error"]
    rendered = in_page(page, "".join(message["rendered"] for message in messages))
    if not messages:
        return [page.problem(block.line, "compiles, but is marked `compile_fail`")]
    if not compiler().startswith(QUOTED):
        return []
    said = [words(line) for line in rendered.splitlines()]
    quoted = list(filter(None, map(words, quoted)))
    for line in quoted:
        place = next((place for place, text in enumerate(said) if line in text), None)
        if place is None:
            return [page.problem(block.line, f"the compiler does not say {line!r}, or not there, but:\n{rendered}")]
        said = said[place + 1 :]
    headlines = [in_page(page, f"error: {message['message'].splitlines()[0]}") for message in messages]
    without_codes = [re.sub(r"^error\[E\d+\]", "error", line) for line in quoted]
    if not all(any(line in headline for line in without_codes) for headline in headlines):
        return [page.problem(block.line, f"the page does not quote every error:\n{rendered}")]
    return []


def words(line):
    """A line of a message without the numbers and bars at its left, nor the place, which the page does not quote."""
    return "" if line.strip() == "..." else re.sub(r"^\s*\d*\s*([|=](?= |$)|-->.*)?", "", line).strip()
