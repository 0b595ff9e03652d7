"""The stubs of the examples, and of the crate that `cargo xtask new` writes, as mypy reads them."""

import ast
import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("mypy", reason="this Python has no mypy")

ROOT = pathlib.Path(__file__).parents[2]
STUBS = sorted([*ROOT.glob("examples/*/*.pyi"), *ROOT.glob("xtask/template/*.pyi")])

# Python before 3.12 does not show the buffer protocol. What `__stable_buffer__` is concerns C alone. A package of
# maturin has a module of the same name inside.
ALLOWED = r"""
.*\.__buffer__
.*\.__release_buffer__
.*\.__stable_buffer__
(\w+)\.\1
"""

# Consumers of buffers, whose stubs ask for `collections.abc.Buffer` or for a union of types.
CONSUMERS = """
import hashlib
import io
import numpy as np
import {module}

def consume_{module}_{name}(m: {module}.{name}) -> None:
    memoryview(m)
    np.asarray(m)
    np.asarray(m, dtype=np.float32)
    {frombuffer}
    hashlib.sha256(m)
    bytes(m)
    bytearray(m)
    io.BytesIO().write(m)
"""


def exporters(path):
    """The public classes of a stub that export a buffer."""
    classes = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.ClassDef)]
    classes = [node for node in classes if not node.name.startswith("_")]
    return [node.name for node in classes if any(getattr(it, "name", "") == "__buffer__" for it in node.body)]


def mypy(folder, code, version):
    """What mypy --strict says of the code, which may import every module that has a stub."""
    file = folder / "uses.py"
    file.write_text(code, encoding="utf-8")
    paths = os.pathsep.join(str(stub.parent) for stub in STUBS)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--python-version", version]
    command += ["--cache-dir", str(folder.parent / "cache"), str(file), *map(str, STUBS)]
    done = subprocess.run(command, env={**os.environ, "MYPYPATH": paths}, capture_output=True, text=True, cwd=folder)
    return done.stdout + done.stderr


def uses(frombuffer):
    return "".join(
        CONSUMERS.format(module=stub.stem, name=name, frombuffer=frombuffer)
        for stub in STUBS
        for name in exporters(stub)
    )


def test_there_are_stubs():
    modules = {stub.stem for stub in STUBS if exporters(stub)}
    names = {"NAME", "dynarray", "fleet", "foreign", "heat", "image", "mapfile", "matrix", "records", "tensor"}
    assert modules == names


def test_the_stubs_describe_what_the_modules_have(tmp_path):
    allowed = tmp_path / "allowed.txt"
    allowed.write_text(ALLOWED, encoding="utf-8")
    command = [sys.executable, "-m", "mypy.stubtest", "--allowlist", str(allowed), "--ignore-unused-allowlist"]
    # A stub need not say which classes cannot be bases together.
    command += ["--ignore-disjoint-bases", *sorted(stub.stem for stub in STUBS if stub.parent.name != "template")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr


def test_consumers_accept_the_classes(tmp_path):
    assert mypy(tmp_path, uses("np.frombuffer(m, dtype=np.uint8)"), "3.12") == ""


def test_consumers_accept_the_classes_for_older_pythons(tmp_path):
    """For Python before 3.12, numpy's stubs do not accept every buffer in `frombuffer`, but a memoryview of each."""
    assert mypy(tmp_path, uses("np.frombuffer(memoryview(m), dtype=np.uint8)"), "3.10") == ""


def test_a_class_without_buffer_is_not_accepted(tmp_path):
    code = CONSUMERS.format(module="plain", name="Plain", frombuffer="np.frombuffer(m)")
    tmp_path.joinpath("plain.py").write_text("class Plain: ...\n", encoding="utf-8")
    lines = mypy(tmp_path, code, "3.12").splitlines()
    refused = {int(line.split(":")[1]) for line in lines if ": error: " in line}
    first = code.splitlines().index("    memoryview(m)") + 1
    # `np.asarray` takes any object.
    assert refused == {first, *range(first + 3, first + 8)}
