"""The two classes as Python sees them, their stub, and the demo."""

import ast
import gc
import inspect
import pathlib
import runpy
import sys
import weakref
from importlib import resources

import dynarray
import pytest
from dynarray import DynArray, Rows

HERE = pathlib.Path(__file__).parents[1]
CLASSES = {"DynArray": DynArray, "Rows": Rows}
MAKERS = {"DynArray": lambda kind=DynArray: kind(b"abcd"), "Rows": lambda kind=Rows: kind([b"ab", b"cd"])}

each_class = pytest.mark.parametrize("name", CLASSES)


@each_class
def test_subclasses_and_weak_references(name):
    class Named(CLASSES[name]):
        pass

    m = MAKERS[name](Named)
    assert repr(m).startswith("<Named of ")
    m.view = memoryview(m)
    dead = weakref.ref(m)
    del m
    gc.collect()
    assert dead() is None, "an instance that views itself is collected"


@each_class
@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python sees the buffer protocol from 3.12 on")
def test_the_buffer_protocol_as_python_sees_it(name):
    from collections.abc import Buffer

    m = MAKERS[name]()
    assert isinstance(m, Buffer)
    view = m.__buffer__(inspect.BufferFlags.FULL_RO)
    assert view.tobytes() == b"abcd"
    m.__release_buffer__(view)


def stub(name):
    tree = ast.parse(HERE.joinpath("dynarray.pyi").read_text(encoding="utf-8"))
    return next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)


@each_class
def test_the_stub_names_what_the_class_has(name):
    public = {attribute for attribute in vars(CLASSES[name]) if not attribute.startswith("_")}
    special = {"__new__", "__buffer__", "__release_buffer__", "__array__"}
    named = {node.name for node in stub(name).body if isinstance(node, ast.FunctionDef)}
    assert named == public | special
    assert special - {"__buffer__", "__release_buffer__"} <= set(dir(CLASSES[name]))


@each_class
def test_the_stub_has_the_signature_of_the_class(name):
    arguments = next(node for node in stub(name).body if getattr(node, "name", "") == "__new__").args
    defaults = {arg.arg: ast.literal_eval(value) for arg, value in zip(arguments.kwonlyargs, arguments.kw_defaults)}
    documented = [(arg.arg, inspect.Parameter.empty) for arg in arguments.args[1:]] + list(defaults.items())
    found = inspect.signature(CLASSES[name]).parameters.values()
    assert documented == [(parameter.name, parameter.default) for parameter in found]


@each_class
def test_the_defaults_are_those_of_the_signature(name):
    parameters = inspect.signature(CLASSES[name]).parameters.values()
    defaults = {parameter.name: parameter.default for parameter in parameters if parameter.kind == 3}
    first = MAKERS[name]()
    second = CLASSES[name](first if name == "DynArray" else [b"ab", b"cd"], **defaults)
    assert (first.format, first.shape, bytes(first)) == (second.format, second.shape, bytes(second))


def test_the_package_is_typed():
    package = resources.files(dynarray)
    assert package.joinpath("py.typed").is_file()
    assert "def __buffer__" in package.joinpath("__init__.pyi").read_text(encoding="utf-8")


def test_the_demo(capsys):
    runpy.run_path(str(HERE / "demo.py"), run_name="__main__")
    shown = capsys.readouterr().out
    assert "[[1, 4, 7, 10], [13, 16, 19, 22]]" in shown
    assert "b'sixone'" in shown
    assert shown.count("\n   shape: the declared items reach") == 1
    assert shown.count("\n   strides: the declared items reach") == 1
