"""What is compared: the modules of this directory, the exporters of CPython and numpy, and how each makes a matrix."""

import array
import functools
import importlib.util
import os
import pathlib
import sysconfig
from typing import NamedTuple

HERE = pathlib.Path(__file__).resolve().parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")).resolve() / "bench"

NCOLS = 8
NROWS = 32  # 1 KiB


class Peer(NamedTuple):
    label: str
    # "C", "Rust", "Cython", "pybind11" or "nanobind"; None for a type that exists already.
    language: "str | None" = None
    # The property that returns the exporter, where the matrix itself exports nothing.
    property: "str | None" = None
    # The package of Python that the peer needs.
    needs: "str | None" = None
    # Whether a new row makes a new matrix. Otherwise it needs the memory that views show.
    copies: bool = False


# Each module has one class: with two, the compiler would inline differently.
C = "c_peer"
OURS = "ours"
ORDINARY = "ours_mutable"
PEERS = {
    C: Peer("C by hand", "C"),
    OURS: Peer("`ExportBuffer`, frozen class", "Rust"),
    ORDINARY: Peer("`ExportBuffer`, ordinary class", "Rust"),
    "pyo3_by_hand_frozen": Peer("PyO3 by hand, frozen class", "Rust"),
    "pyo3_by_hand": Peer("PyO3 by hand, ordinary class", "Rust"),
    "cython_peer": Peer("Cython", "Cython", needs="Cython"),
    "nanobind_peer": Peer("nanobind, type slots", "nanobind", needs="nanobind"),
    "nanobind_ndarray_peer": Peer("nanobind, `nb::ndarray` property", "nanobind", "array", "numpy"),
    "pybind11_peer": Peer("pybind11, `def_buffer`", "pybind11", needs="pybind11"),
    "rust_numpy": Peer("rust-numpy, `PyArray` property", "Rust", "array", "numpy", copies=True),
    "bytearray": Peer("CPython's `bytearray`"),
    "array": Peer("CPython's `array.array`"),
    "ndarray": Peer("numpy's `ndarray`", needs="numpy"),
}
# The same three in Fortran order, for the comparison of flags.
IN_FORTRAN_ORDER = {C: "c_peer_fortran", OURS: "ours_fortran", ORDINARY: "ours_mutable_fortran"}
# The prefix of a module that counts views by an atomic even where there is a GIL.
ATOMIC = "atomic/"
# Classes with other layouts, parts and guards. Each is named with its module, as in `others.Part`.
OTHERS = "others"
# The prefix of a module that is built with the feature `dlpack`.
TENSORS = "tensors/"
# The example of a consumer. It is compared with numpy.
CONSUMER = "consume"
# The bulk access that `bulk.py` compares with numpy and memcpy.
ACCESS = "access"
# The example whose objects `pickles.py` compares with numpy's arrays.
TRAVELLER = "fleet"
# The modules that are examples. Their packages have the same name.
EXAMPLES = (CONSUMER, TRAVELLER)


def make(name, nrows=NROWS):
    """A matrix of float32 with `NCOLS` columns, or as near to one as the peer can be."""
    if name == "bytearray":
        return bytearray(4 * NCOLS * nrows)
    if name == "array":
        return array.array("f", bytes(4 * NCOLS * nrows))
    if name == "ndarray":
        import numpy

        return numpy.zeros((nrows, NCOLS), numpy.float32)
    module, _, of_class = name.partition(".")
    return getattr(load(module), of_class or "Matrix")(NCOLS, nrows)


def add_row(name, matrix):
    """Appends a row of zeros."""
    if name == "bytearray":
        matrix.extend(bytes(4 * NCOLS))
    elif name == "array":
        matrix.frombytes(bytes(4 * NCOLS))
    elif name == "ndarray":
        matrix.resize((len(matrix) + 1, NCOLS))
    else:
        matrix.add_row()


def exporter(name, matrix):
    """The object that exports the memory of `matrix`: the matrix, or what its property returns."""
    attribute = PEERS[name].property if name in PEERS else None
    return getattr(matrix, attribute) if attribute else matrix


def module_file(name):
    """The file of a module that `build` makes for this interpreter."""
    return TARGET / "modules" / (name + sysconfig.get_config_var("EXT_SUFFIX"))


@functools.cache
def load(name):
    """Imports a module that `build` made, once."""
    # With a prefix or without, the function that initialises the module has the same name.
    spec = importlib.util.spec_from_file_location(name.rpartition("/")[2], module_file(name))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
