"""The module: its stub, its demo, its documentation."""

import ast
import pathlib
import runpy
from importlib import resources

import consume

HERE = pathlib.Path(__file__).parents[1]


def test_the_stub_names_what_the_module_has():
    tree = ast.parse(HERE.joinpath("consume.pyi").read_text(encoding="utf-8"))
    stub = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert set(stub) == set(consume.__all__) - {"Held"} == {"checksum", "dot", "hold", "scale", "sum_array"}
    for name, node in stub.items():
        parameters = ", ".join(argument.arg for argument in node.args.posonlyargs)
        keywords = {"checksum": ", *, copy=True"}.get(name, "")
        assert getattr(consume, name).__text_signature__ == f"({parameters}, /{keywords})"
        assert getattr(consume, name).__doc__ == ast.get_docstring(node)


def test_the_package_is_typed():
    package = resources.files(consume)
    assert package.joinpath("py.typed").is_file()
    assert "def sum_array" in package.joinpath("__init__.pyi").read_text(encoding="utf-8")


def test_the_demo(capsys):
    runpy.run_path(str(HERE / "demo.py"), run_name="__main__")
    shown = capsys.readouterr().out
    assert "numpy: 6442450941" in shown
    assert "every other column, backwards: 36" in shown
    assert "checksum(b'bytes'): 2979611598" in shown
    assert shown.count("expected memory that nobody changes, which this 'ndarray' cannot promise") == 2
    assert "after scale(x[1:], 10): [ 0.   2.5  5.   7.5 10. ]" in shown
    assert "TypeError: pass np.asarray(x, dtype='int32'): a bytes-like object is required, not 'list'" in shown
    assert shown.count("BufferError: expected items of format 'i' (i32)") == 3
