"""Views that are alive when the interpreter exits. Each script exits with status 0 and prints nothing to stderr."""

import sys

import apart
import pytest

WRITE = """
import functools, os, sys
from buffer_tests_ext import edges

def saying(text):
    # A `partial`, not a function: a function's globals would keep the objects of this module alive.
    return functools.partial(os.write, 1, text.encode() + b"\\n")
"""

VIEWS = {
    "memoryview": "memoryview(m)",
    "ndarray": "__import__('numpy').asarray(m)",
    "ctypes": "(__import__('ctypes').c_int * 1).from_buffer(m)",
    "C": "edges.request(m, 0)",
    "many": "[memoryview(m) for _ in range(100)]",
}

# The object to view, `m`.
EXPORTERS = {"whole": "owner", "part": "edges.OwnersPiece(owner, 4)"}

exporters = pytest.mark.parametrize("exporter", EXPORTERS.values(), ids=EXPORTERS.keys())


@exporters
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
def test_a_view_in_a_global(view, exporter):
    out = apart.run(
        f"""{WRITE}
owner = edges.Owner([1, 2], None, saying("dropped"))
m = {exporter}
view = {view}
os.write(1, b"end\\n")
"""
    )
    assert out == "end\ndropped\n"


@exporters
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
def test_a_view_in_a_module_that_outlives_main(view, exporter):
    apart.run(
        f"""{WRITE}
owner = edges.Owner([1, 2])
m = {exporter}
sys.view = {view}
sys.modules["edges"] = edges
edges.view = {view}
"""
    )


@pytest.mark.parametrize("noticed", [False, True], ids=["unnoticed", "noticed"])
@exporters
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
def test_the_drop_of_a_parted_cell_attaches(view, exporter, noticed):
    # A shape with user code takes the path that drains the orphan queue: viewed cells whose owner was dropped.
    notice = "edges.request(edges.Shaped([1]), 0)" if noticed else ""
    out = apart.run(
        f"""{WRITE}
owner = edges.Owner([1, 2], None, saying("dropped"))
m = {exporter}
view = {view}
edges.replace(owner, [3])
{notice}
os.write(1, b"end\\n")
"""
    )
    assert out == "end\ndropped\n"


@pytest.mark.parametrize("last_act", ["panic", "panic twice"])
def test_the_drop_of_a_parted_cell_panics(last_act):
    out = apart.run(
        f"""{WRITE}
m = edges.Owner([1, 2], None, {last_act!r})
view = memoryview(m)
edges.replace(m, [3])
other = edges.Owner([1, 2], None, saying("dropped"))
other_view = memoryview(other)
edges.replace(other, [3])
""",
        # The panic and its exception are both reported on stderr.
        stderr=None,
    )
    assert out == "dropped\n"


def test_a_parted_cell_that_nobody_released():
    apart.run(
        f"""{WRITE}
m = edges.Owner([1, 2], None, saying("dropped"))
edges.cycle = parted = edges.part(m)
edges.m = m
edges.view = memoryview(m)
"""
    )


def test_a_cell_dropped_by_an_atexit_function():
    out = apart.run(
        f"""{WRITE}
import atexit
m = edges.Owner([1, 2], None, saying("dropped"))
view = memoryview(m)
parted = edges.part(m)

@atexit.register
def end():
    parted.drop_on_joined_thread()
    view.release()
"""
    )
    assert out == "dropped\n"


def test_a_daemon_thread_with_a_view():
    apart.run(
        f"""{WRITE}
import threading, time
m = edges.Series([1.0, 2.0])
ready = threading.Event()

def hold():
    view = memoryview(m)
    ready.set()
    time.sleep(3600)

threading.Thread(target=hold, daemon=True).start()
assert ready.wait(30)
"""
    )


@pytest.mark.parametrize("kind", ["read", "share", "write"])
def test_a_leaked_guard(kind):
    apart.run(f"{WRITE}\nm = edges.Series([1.0])\nm.leak({kind!r}, 3)")


# A Rust thread that writes through an owned guard and never attaches to Python. `owned` keeps it running.
PRODUCER = f"""{WRITE}
m = edges.Series([0.0] * 1000)
owned = edges.Owned(m)
owned.start()
while owned.rounds() < 3:
    pass
"""


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "view = memoryview(m)",
        "del m",
        "view = memoryview(m); del m",
        "sys.view = memoryview(m); sys.owned = owned",
        "import atexit; atexit.register(owned.stop)",
        "sys.exit(0)",
        "import numpy; sys.view = numpy.asarray(m); del m; edges.owned = owned",
    ],
)
def test_a_thread_that_still_writes(rest):
    apart.run(PRODUCER + rest)


@pytest.mark.parametrize("kept", [False, True], ids=["freed", "kept"])
def test_a_thread_that_still_writes_what_python_is_to_drop(kept):
    # The drop of this storage calls Python. The thread never ends, so the storage is never dropped.
    out = apart.run(
        f"""{WRITE}
m = edges.Owner([1, 2], None, saying("dropped"))
owned = edges.Owned(m)
owned.start()
while owned.rounds() < 3:
    pass
{"sys.m = m" if kept else "del m"}
os.write(1, b"end\\n")
"""
    )
    assert out == "end\n"


@pytest.mark.parametrize("storage", ["edges.Series([0.0])", 'edges.Owner([1, 2], None, saying("dropped"))'])
@pytest.mark.parametrize("rest", ["", "del m", "sys.view = memoryview(m)", "sys.view = memoryview(m); del m"])
def test_a_guard_that_ends_after_the_interpreter(storage, rest):
    out = apart.run(
        f"""{WRITE}
m = {storage}
owned = edges.Owned(m)
owned.drop_at_exit()
{rest}
"""
    )
    assert out == "dropped, initialized: 0\n"


@pytest.mark.parametrize("other", ["edges.Owner([1])", "edges.Series([1.0])"])
@pytest.mark.parametrize("where", ["other", "sys.other"])
def test_memory_whose_last_guard_ended_is_dropped_when_another_object_dies_at_exit(where, other):
    out = apart.run(
        f"""{WRITE}
m = edges.Owner([1, 2], None, saying("dropped"))
owned = edges.Owned(m)
del m
owned.drop_on_joined_thread()
os.write(1, b"end\\n")
{where} = {other}
"""
    )
    assert out == "end\ndropped\n"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python code reaches the slots from 3.12 on")
def test_a_subclass_that_overrides_both_methods():
    apart.run(
        f"""{WRITE}
class Y(edges.Owner):
    def __buffer__(self, flags):
        return super().__buffer__(flags)

    def __release_buffer__(self, view):
        super().__release_buffer__(view)

m = Y([1, 2])
m.view = memoryview(m)
sys.view = memoryview(m)
"""
    )
