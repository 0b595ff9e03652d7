"""The stub and the demo."""

import ast
import pathlib
import runpy
from importlib import resources

import mapfile
import pytest
from mapfile import Header, MapFile

HERE = pathlib.Path(__file__).parents[1]
CLASSES = {"MapFile": MapFile, "Header": Header}
# Special methods. `__buffer__` and `__release_buffer__` are attributes of the classes only from Python 3.12 on.
SPECIAL = {"__new__", "__buffer__", "__release_buffer__", "__array__", "__enter__", "__exit__", "__len__"}


@pytest.mark.parametrize("name", CLASSES)
def test_the_stub_names_what_the_class_has(name):
    tree = ast.parse(HERE.joinpath("mapfile.pyi").read_text(encoding="utf-8"))
    stub = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    public = {attribute for attribute in vars(CLASSES[name]) if not attribute.startswith("_")}
    named = {node.name for node in stub.body if isinstance(node, ast.FunctionDef)}
    assert named - SPECIAL == public
    assert (named & SPECIAL) - {"__buffer__", "__release_buffer__"} <= set(dir(CLASSES[name]))


def test_the_package_is_typed():
    package = resources.files(mapfile)
    assert package.joinpath("py.typed").is_file()
    assert "def resize" in package.joinpath("__init__.pyi").read_text(encoding="utf-8")


def test_the_demo_grows_to_ten_pages_without_a_del(capsys):
    runpy.run_path(str(HERE / "demo.py"), run_name="__main__")
    shown = capsys.readouterr().out
    assert "BufferError: mmap can't resize with extant buffers exported." in shown
    assert [f"step {step}, length {8 * (2 * step + 1)}" in shown for step in range(10)] == [True] * 10
    assert "BufferError: cannot release the view at the end of its block" in shown
    assert "BufferError: cannot resize: 1 writable view is alive" in shown
    demo = ast.parse((HERE / "demo.py").read_text(encoding="utf-8"))
    assert not any(isinstance(node, ast.Delete) for node in ast.walk(demo))
