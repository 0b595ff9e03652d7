"""The matrix as a Python class: arguments, subclasses, weak references, and the stub."""

import ast
import gc
import inspect
import pathlib
import sys
import weakref
from importlib import resources

import matrix
import numpy as np
import pytest
from matrix import Matrix


def test_a_new_matrix():
    m = Matrix(3)
    assert (m.nrows, m.ncols, len(m)) == (0, 3, 0)
    m.add_row()
    assert (m.nrows, m.ncols, len(m)) == (1, 3, 1)
    assert repr(m) == "<Matrix of 1 x 3 float32>"
    assert len(Matrix(ncols=3, nrows=7)) == 7


@pytest.mark.parametrize("ncols", [0, -1, -(2**63), -(2**63) - 1, pytest.param(-(10**5000), id="no str")])
def test_too_few_columns(ncols):
    with pytest.raises(ValueError, match="ncols must be at least 1"):
        Matrix(ncols)


@pytest.mark.parametrize("ncols", [sys.maxsize // 4 + 1, sys.maxsize, 2**63, pytest.param(10**5000, id="no str")])
def test_columns_beyond_any_memory(ncols):
    with pytest.raises(ValueError, match="ncols is too large"):
        Matrix(ncols)


@pytest.mark.parametrize("ncols", [None, 1.0, "3", [3], np.float32(3)])
def test_columns_of_another_type(ncols):
    with pytest.raises(TypeError, match=f"ncols must be an integer, not {type(ncols).__name__}"):
        Matrix(ncols)


def test_integers_of_other_types():
    assert Matrix(np.int64(3)).ncols == 3
    assert Matrix(3, np.uint8(2)).nrows == 2


def test_bad_rows():
    with pytest.raises(ValueError, match="nrows must be at least 0, not -1"):
        Matrix(3, -1)
    with pytest.raises(ValueError, match="nrows is too large"):
        Matrix(3, 2**64)
    with pytest.raises(TypeError, match="nrows must be an integer, not str"):
        Matrix(3, "2")


def test_what_an_index_method_raises_is_not_hidden():
    class Broken:
        def __index__(self):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        Matrix(Broken())


def test_missing_and_extra_arguments():
    with pytest.raises(TypeError, match="ncols"):
        Matrix()
    with pytest.raises(TypeError):
        Matrix(1, 2, 3)


def test_memory_that_runs_out_is_an_exception():
    widest = sys.maxsize // 4
    m = Matrix(widest)
    assert memoryview(m).shape == (0, widest)
    with pytest.raises(MemoryError, match="no memory for 1 x"):
        m.add_row()
    assert (m.nrows, len(m)) == (0, 0)
    with pytest.raises(MemoryError):
        Matrix(1, widest)
    with pytest.raises(MemoryError):
        Matrix(widest, widest)


def test_a_subclass_exports_its_base():
    class Named(Matrix):
        def __new__(cls, name, ncols):
            self = super().__new__(cls, ncols)
            self.name = name
            return self

    m = Named("identity", 2)
    m.add_row()
    a = np.asarray(m)
    assert (m.name, a.shape) == ("identity", (1, 2))
    assert repr(m) == "<Named of 1 x 2 float32>"
    with pytest.raises(BufferError):
        m.add_row()
    del a
    m.add_row()


def test_an_instance_that_views_itself_is_collected():
    class SelfViewing(Matrix):
        pass

    m = SelfViewing(2)
    m.view = memoryview(m)
    dead = weakref.ref(m)
    del m
    gc.collect()
    assert dead() is None


def test_weak_references():
    m = Matrix(2, 2)
    dead = weakref.ref(m)
    assert dead() is m
    a = np.asarray(m)
    del m
    gc.collect()
    assert dead() is not None, "a view keeps the matrix alive"
    del a
    gc.collect()
    assert dead() is None


def test_the_class_is_frozen():
    with pytest.raises(AttributeError):
        Matrix(2).ncols = 3


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python sees the buffer protocol from 3.12 on")
def test_the_buffer_protocol_as_python_sees_it():
    from collections.abc import Buffer

    m = Matrix(2, 1)
    assert isinstance(m, Buffer)
    view = m.__buffer__(inspect.BufferFlags.FULL_RO)
    with pytest.raises(BufferError):
        m.add_row()
    m.__release_buffer__(view)
    m.add_row()


def stub():
    tree = ast.parse(pathlib.Path(__file__).parents[1].joinpath("matrix.pyi").read_text(encoding="utf-8"))
    return next(node for node in tree.body if isinstance(node, ast.ClassDef))


def test_the_stub_names_what_the_class_has():
    public = {name for name in vars(Matrix) if not name.startswith("_")}
    special = {"__new__", "__len__", "__buffer__", "__release_buffer__", "__array__"}
    named = {node.name for node in stub().body if isinstance(node, ast.FunctionDef)}
    assert named == public | special
    buffer = {"__buffer__", "__release_buffer__"} if sys.version_info < (3, 12) else set()
    assert named - buffer <= set(dir(Matrix))


def test_the_stub_has_the_signature_of_the_class():
    new = next(node for node in stub().body if getattr(node, "name", "") == "__new__")
    documented = [argument.arg for argument in new.args.args[1:]]
    assert documented == list(inspect.signature(Matrix).parameters)


def test_the_package_is_typed():
    package = resources.files(matrix)
    assert package.joinpath("py.typed").is_file()
    assert "def __buffer__" in package.joinpath("__init__.pyi").read_text(encoding="utf-8")
