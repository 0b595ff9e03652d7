"""The particles as a Python class: arguments, failed allocations, subclasses, the demo, and the stub."""

import ast
import gc
import inspect
import pathlib
import runpy
import subprocess
import sys
import weakref
from importlib import resources

import numpy as np
import pytest
import records
from records import Particles

HERE = pathlib.Path(__file__).parents[1]


@pytest.mark.parametrize("n", [-1, -(2**63), -(10**5000), 2**32, 2**63, 2**64, 10**5000], ids=lambda n: n.bit_length())
def test_numbers_that_are_no_number_of_particles(n):
    with pytest.raises(ValueError, match="n must be from 0 to 4294967295"):
        Particles(n)
    particles = Particles(1)
    with pytest.raises(ValueError, match="n must be from 0 to 4294967295"):
        particles.resize(n)
    assert len(particles) == 1


@pytest.mark.parametrize("n", [None, 1.0, "3", [3], np.float64(3)])
def test_arguments_of_another_type(n):
    text = f"^n must be an integer, not (numpy.)?{type(n).__name__}"
    with pytest.raises(TypeError, match=text):
        Particles(n)
    with pytest.raises(TypeError, match=text):
        Particles(0).resize(n)


def test_a_dt_of_another_type():
    particles = Particles(1)
    for dt in ("1", None, 1j):
        with pytest.raises(TypeError, match=f"^dt must be a real number, not {type(dt).__name__}"):
            particles.step(dt)
    with pytest.raises(ValueError, match="^dt is too large for a float64"):
        particles.step(10**400)
    with pytest.raises(TypeError):
        particles.step()


def test_integers_and_floats_of_other_types():
    particles = Particles(np.uint8(3))
    assert len(particles) == 3
    particles.resize(True)
    assert len(particles) == 1
    particles.step(np.float32(1))
    particles.step(1)


def test_what_an_index_method_raises_is_not_hidden():
    class Broken:
        def __index__(self):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        Particles(Broken())


# In a separate process, because the limit cannot be removed.
NO_MEMORY = """
import resource
from records import Particles

particles = Particles(10)
resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
for make in (lambda: Particles(2**32 - 1), lambda: particles.resize(2**31)):
    try:
        make()
    except MemoryError as error:
        print(error)
print(len(particles))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not keep to a limit of memory")
def test_memory_that_runs_out_is_an_exception():
    done = subprocess.run([sys.executable, "-c", NO_MEMORY], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "no memory for 4294967295 particles",
        "no memory for 2147483648 particles",
        "10",
    ]


def test_repr():
    assert repr(Particles(3)) == "<Particles of 3>"


def test_a_subclass_exports_its_base():
    class Galaxy(Particles):
        pass

    galaxy = Galaxy(2)
    a = np.asarray(galaxy)
    assert repr(galaxy) == "<Galaxy of 2>"
    with pytest.raises(BufferError):
        galaxy.resize(3)
    dead = weakref.ref(galaxy)
    del galaxy
    gc.collect()
    assert dead() is not None, "a view keeps the particles alive"
    del a
    gc.collect()
    assert dead() is None


def test_the_demo(capsys):
    runpy.run_path(str(HERE / "demo.py"), run_name="__main__")
    shown = capsys.readouterr().out
    assert "[[1. 0. 0.]\n [0. 2. 0.]\n [0. 0. 3.]]" in shown
    assert "cannot resize: 1 writable view is alive" in shown
    assert "[0 1 2 3]" in shown


def stub():
    tree = ast.parse(HERE.joinpath("records.pyi").read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body[-1].body if isinstance(node, ast.FunctionDef)}


def test_the_stub_names_what_the_class_has():
    public = {name for name in vars(Particles) if not name.startswith("_")}
    special = {"__new__", "__len__", "__buffer__", "__release_buffer__", "__array__"}
    assert set(stub()) == public | special
    buffer = {"__buffer__", "__release_buffer__"} if sys.version_info < (3, 12) else set()
    assert set(stub()) - buffer <= set(dir(Particles))


def test_the_stub_has_the_signatures_of_the_class():
    for name, found in ("__new__", Particles), ("step", Particles.step), ("resize", Particles.resize):
        documented = [argument.arg for argument in stub()[name].args.args[1:]]
        assert documented == [name for name in inspect.signature(found).parameters if name != "self"]


def test_the_package_is_typed():
    package = resources.files(records)
    assert package.joinpath("py.typed").is_file()
    assert "def __buffer__" in package.joinpath("__init__.pyi").read_text(encoding="utf-8")
