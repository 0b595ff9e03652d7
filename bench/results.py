"""The measured file, `results.json`: the versions of what was compared, and the numbers that tables and chart show.

Nothing in it names the machine: instructions, ratios to C, and answers. Only the times of builds belong to one.
"""

import importlib.metadata
import json
import os
import platform
import re
import shlex
import subprocess
import sys

import peers

FILE = peers.HERE / "results.json"


def write(measured):
    """Replaces everything but what `put` has added."""
    added = {name: value for name, value in read().items() if name == "build"} if FILE.exists() else {}
    save({"versions": versions(), **measured, **added})


def put(name, measured):
    """Adds what was measured by itself, with its own versions."""
    save({**read(), name: measured})


def save(everything):
    FILE.write_text(json.dumps(everything, indent=1) + "\n")


def read():
    return json.loads(FILE.read_text())


def versions():
    """What was compared, by name."""
    found = {
        "CPython": platform.python_version(),
        "rustc": first_number("rustc", "--version"),
        "PyO3": locked("pyo3"),
        "rust-numpy": locked("numpy"),
        **c_compiler(),
    }
    for package in ("Cython", "nanobind", "pybind11", "numpy"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found | {"processor": platform.machine(), "system": sys.platform}


def c_compiler():
    text = output(*shlex.split(os.environ.get("CC", "cc")), "--version")
    name = "clang" if "clang" in text else "gcc" if "Free Software Foundation" in text else "cc"
    return {name: re.search(r"\d+\.\d+(\.\d+)?", text)[0]}


def first_number(*command):
    return re.search(r"\d+\.\d+\.\d+", output(*command))[0]


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def locked(crate):
    """The version of a crate in Cargo.lock."""
    text = (peers.HERE.parent / "Cargo.lock").read_text()
    return re.search(rf'name = "{crate}"\nversion = "([^"]+)"', text)[1]
