"""The arguments, the stub and the demo."""

import ast
import pathlib
import runpy
import subprocess
import sys

import foreign
import numpy as np
import pytest
from foreign import Wrapper

HERE = pathlib.Path(__file__).parents[1]


def test_no_numbers():
    w = Wrapper(0)
    assert (len(w), np.asarray(w).shape, bytes(w)) == (0, (0,), b"")
    with memoryview(w), pytest.raises(BufferError):
        w.free()
    w.free()


def test_bad_numbers():
    with pytest.raises(ValueError, match="n must be at least 0, not -1"):
        Wrapper(-1)
    for n in (2**31 + 1, sys.maxsize // 4, sys.maxsize):
        with pytest.raises(MemoryError, match=f"no memory for {n} int32"):
            Wrapper(n)
    for n in (2**63, 2**64, 10**5000):
        with pytest.raises(ValueError, match="^n is too large for any memory"):
            Wrapper(n)
        with pytest.raises(ValueError, match="^n must be at least 0"):
            Wrapper(-n - 1)
    for n in (1.0, "3", None, [3]):
        with pytest.raises(TypeError, match=f"^n must be an integer, not {type(n).__name__}"):
            Wrapper(n)


def test_what_an_index_raises_is_not_hidden():
    class Broken:
        def __index__(self):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        Wrapper(Broken())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not keep to such a limit")
def test_an_allocation_that_fails_is_a_memory_error():
    script = """
import resource
from foreign import Wrapper, live_allocations
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
try:
    Wrapper(2**30)
except MemoryError as error:
    print(error, live_allocations())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == (f"no memory for {2**30} int32 0\n", "")


def test_the_demo(capsys):
    runpy.run_path(str(HERE / "demo.py"), run_name="__main__")
    shown = capsys.readouterr().out
    assert "their product: 80" in shown
    assert shown.count("BufferError: cannot close: 1 writable view is alive") == 1
    assert shown.count("BufferError: cannot grant a view: it is closed") == 1


def test_the_stub_names_what_there_is():
    body = ast.parse((HERE / "foreign.pyi").read_text(encoding="utf-8")).body
    named = {node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    assert named == {name for name in vars(foreign) if not name.startswith("_") and name != "foreign"}
    wrapper = next(node for node in body if isinstance(node, ast.ClassDef))
    methods = {node.name for node in wrapper.body if isinstance(node, ast.FunctionDef)}
    special = {"__new__", "__len__", "__buffer__", "__release_buffer__", "__array__"}
    assert methods == {name for name in vars(Wrapper) if not name.startswith("_")} | special
