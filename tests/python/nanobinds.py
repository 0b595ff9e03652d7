"""Builds `nanobind_consumer.cpp`, an extension whose functions take tensors as nanobind's `ndarray`."""

import importlib.util
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import sysconfig

SOURCE = pathlib.Path(__file__).parent / "nanobind_consumer.cpp"


class NotBuilt(Exception):
    """This machine cannot build it."""


def build(directory):
    """The extension module, built in a directory. Raises `NotBuilt` where the machine has no compiler or no headers."""
    import nanobind

    compiler = shlex.split(os.environ.get("CXX", "c++"))
    if shutil.which(compiler[0]) is None:
        raise NotBuilt("there is no C++ compiler, which nanobind's tests need")
    headers = sysconfig.get_path("include")
    if not pathlib.Path(headers, "Python.h").exists():
        raise NotBuilt("the headers of this Python are missing, which nanobind's tests need")
    # As `nb_combined.cpp` says for builds without CMake.
    sources = pathlib.Path(nanobind.source_dir())
    robin_map = sources.parent / "ext" / "robin_map" / "include"
    include = [f"-I{path}" for path in (headers, nanobind.include_dir(), robin_map)]
    file = directory / (SOURCE.stem + sysconfig.get_config_var("EXT_SUFFIX"))
    lookup = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
    without_gil = ["-DNB_FREE_THREADED"] if sysconfig.get_config_var("Py_GIL_DISABLED") else []
    flags = ["-std=c++17", "-O1", "-fvisibility=hidden", "-fno-strict-aliasing", "-fPIC", "-shared", "-pthread"]
    command = [*compiler, *flags, *without_gil, *lookup, *include, "-o", file, SOURCE, sources / "nb_combined.cpp"]
    subprocess.run(command, check=True)
    spec = importlib.util.spec_from_file_location(SOURCE.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
