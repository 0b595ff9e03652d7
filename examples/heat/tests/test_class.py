"""The plate as a Python class: arguments, failed allocations, subclasses, the demo, and the stub."""

import ast
import gc
import importlib.util
import inspect
import pathlib
import subprocess
import sys
import weakref
from importlib import resources

import heat
import numpy as np
import pytest
from heat import Plate

HERE = pathlib.Path(__file__).parents[1]


@pytest.mark.parametrize("number", [2, 0, -1, -(2**63)])
def test_extents_that_are_too_small(number):
    with pytest.raises(ValueError, match=f"^height must be at least 3, not {number}$"):
        Plate(number, 3)
    with pytest.raises(ValueError, match=f"^width must be at least 3, not {number}$"):
        Plate(3, number)


def test_extents_outside_of_64_bits():
    with pytest.raises(ValueError, match="^height must be at least 3$"):
        Plate(-(10**30), 3)
    with pytest.raises(ValueError, match="^width is too large$"):
        Plate(3, 10**30)


@pytest.mark.parametrize("value", [None, 4.0, "4", [4], np.float64(4)])
def test_arguments_of_another_type(value):
    kind = f"(numpy.)?{type(value).__name__}$"
    with pytest.raises(TypeError, match=f"^height must be an integer, not {kind}"):
        Plate(value, 3)
    with pytest.raises(TypeError, match=f"^width must be an integer, not {kind}"):
        Plate(3, value)
    if value is not None:
        with pytest.raises(TypeError, match=f"^n must be an integer, not {kind}"):
            Plate(3, 3).step(value)


def test_numbers_of_steps_that_are_none():
    plate = Plate(3, 3)
    with pytest.raises(ValueError, match="^n must be at least 0, not -1$"):
        plate.step(-1)
    with pytest.raises(ValueError, match="^n must be at least 0$"):
        plate.step(-(10**30))
    with pytest.raises(ValueError, match="^n is too large$"):
        plate.step(2**63)
    assert plate.steps == 0


@pytest.mark.parametrize("rate", [0, -0.1, 0.26, 1, float("nan"), float("inf")])
def test_rates_at_which_steps_are_unstable(rate):
    text = "^rate must be more than 0 and at most 0.25, where steps become unstable, not"
    with pytest.raises(ValueError, match=text):
        Plate(3, 3).step(rate=rate)


def test_rates_that_are_no_float64():
    with pytest.raises(ValueError, match="^rate must be more than 0 and at most 0.25"):
        Plate(3, 3).step(rate=10**400)
    for rate in ("1", 1j, [0.1]):
        with pytest.raises(TypeError, match=f"^rate must be a real number, not {type(rate).__name__}$"):
            Plate(3, 3).step(1, rate)


def test_integers_and_floats_of_other_types():
    plate = Plate(np.uint8(3), np.int64(4))
    assert np.asarray(plate).shape == (3, 4)
    plate.step(np.int16(2), np.float32(0.25))
    plate.step(True, rate=0.1)
    assert plate.steps == 3


def test_what_an_index_method_raises_is_not_hidden():
    class Broken:
        def __index__(self):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        Plate(3, Broken())


@pytest.mark.parametrize(("height", "width"), [(2**32, 2**32), (2**62, 3), (2**31, 2**31), (3, 2**60)])
def test_plates_larger_than_any_memory(height, width):
    with pytest.raises(MemoryError, match=f"^no memory for {height} x {width} float64$"):
        Plate(height, width)


# In a separate process, because the limit cannot be removed.
NO_MEMORY = """
import resource
from heat import Plate

resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
try:
    Plate(2**14, 2**14)
except MemoryError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not keep to a limit of memory")
def test_memory_that_runs_out_is_an_exception():
    done = subprocess.run([sys.executable, "-c", NO_MEMORY], capture_output=True, text=True, check=True)
    assert done.stdout == "no memory for 16384 x 16384 float64\n"


def test_repr():
    plate = Plate(3, 4)
    plate.step(5)
    assert repr(plate) == "<Plate of 3 x 4 after 5 steps>"


def test_a_subclass_exports_its_base():
    class Pan(Plate):
        pass

    pan = Pan(3, 4)
    a = np.asarray(pan)
    assert repr(pan) == "<Pan of 3 x 4 after 0 steps>"
    dead = weakref.ref(pan)
    del pan
    gc.collect()
    assert dead() is not None, "a view keeps the plate alive"
    del a
    gc.collect()
    assert dead() is None


# Older versions of matplotlib use what newer ones of its dependencies deprecate.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_demo_draws_four_moments(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib", reason="this Python has no matplotlib")
    spec = importlib.util.spec_from_file_location("demo", HERE / "demo.py")
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    monkeypatch.setattr(demo, "MOMENTS", (0, 20, 40, 100))
    path = tmp_path / "heat.png"
    demo.main(path)
    shown = capsys.readouterr()
    assert f"<Plate of 200 x 300 after 100 steps> is drawn in {path}; its mean temperature is" in shown.out
    assert "100/100" in shown.err, "the progress bar has come to its end"
    png = path.read_bytes()
    assert png.startswith(b"\x89PNG\r\n") and len(png) > 20_000

    from matplotlib.image import imread

    pixels = imread(path)
    assert pixels.shape[:2] == (450, 720)
    assert len(np.unique(pixels.reshape(-1, 4), axis=0)) > 500, "the picture shows many temperatures"


def stub():
    tree = ast.parse(HERE.joinpath("heat.pyi").read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body[-1].body if isinstance(node, ast.FunctionDef)}


def test_the_stub_names_what_the_class_has():
    public = {name for name in vars(Plate) if not name.startswith("_")}
    special = {"__new__", "__buffer__", "__release_buffer__", "__array__"}
    assert set(stub()) == public | special
    buffer = {"__buffer__", "__release_buffer__"} if sys.version_info < (3, 12) else set()
    assert set(stub()) - buffer <= set(dir(Plate))


def test_the_stub_has_the_signatures_of_the_class():
    for name, found in ("__new__", Plate), ("step", Plate.step):
        documented = [argument.arg for argument in stub()[name].args.args[1:]]
        assert documented == [name for name in inspect.signature(found).parameters if name != "self"]


def test_the_package_is_typed():
    package = resources.files(heat)
    assert package.joinpath("py.typed").is_file()
    assert "def __buffer__" in package.joinpath("__init__.pyi").read_text(encoding="utf-8")
