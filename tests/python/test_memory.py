"""Requests while Python cannot allocate memory, not even for an exception."""

import apart
import pytest

# A module of CPython's own tests.
TESTCAPI = pytest.importorskip("_testcapi", reason="this Python was built without _testcapi, which takes memory away")

# Makes a request 60 times, each time with one more allocation that succeeds. No request needs 60 allocations.
SCRIPT = """
import ctypes, _testcapi
from buffer_tests_ext import edges, layouts

whole = layouts.Whole(bytes(48), 3)
objects = {{
    "whole": whole,
    "part": whole.row(0),
    "raising": edges.Shaped([1, 2], lambda: None),
    "panicking": edges.Shaped([1, 2], lambda: "panic"),
}}
thing, view, flags = ctypes.py_object(objects[{thing!r}]), ctypes.create_string_buffer(200), ctypes.c_int({flags})
ask = ctypes.pythonapi.PyObject_GetBuffer

def outcome(granted):
    _testcapi.set_nomemory(granted, 0)
    try:
        ask(thing, view, flags)
    except BaseException as error:
        _testcapi.remove_mem_hooks()
        return type(error).__name__
    _testcapi.remove_mem_hooks()
    ctypes.pythonapi.PyBuffer_Release(view)
    return "granted"

outcomes = [outcome(granted) for granted in range(60)]
print(*dict.fromkeys(outcomes))
assert whole.views() == 0
"""

SIMPLE, FORMAT = 0, 4


@pytest.mark.parametrize(
    ("thing", "flags", "expected"),
    [
        ("whole", SIMPLE, "MemoryError granted"),
        ("whole", FORMAT, "MemoryError BufferError"),
        ("part", SIMPLE, "MemoryError granted"),
        ("part", FORMAT, "MemoryError BufferError"),
    ],
)
def test_a_refusal_without_memory_is_an_exception(thing, flags, expected):
    assert apart.run(SCRIPT.format(thing=thing, flags=flags)) == expected + "\n"


@pytest.mark.parametrize(("thing", "expected"), [("raising", "TypeError"), ("panicking", "PanicException")])
def test_what_a_shape_raises_without_memory_is_an_exception(thing, expected):
    outcomes = apart.run(SCRIPT.format(thing=thing, flags=SIMPLE), stderr=None).split()
    assert (outcomes[0], outcomes[-1]) == ("MemoryError", expected)


# CPython 3.11 and 3.12 allocate the `__dict__` of such an object after the object, which is all zeros at that time.
SUBCLASS = """
import _testcapi
from buffer_tests_ext import layouts

class Derived(layouts.Base):
    pass

def outcome(granted):
    _testcapi.set_nomemory(granted, granted + 1)
    try:
        Derived(bytes(48), 3)
    except BaseException as error:
        _testcapi.remove_mem_hooks()
        return type(error).__name__
    _testcapi.remove_mem_hooks()
    return "made"

print(*dict.fromkeys(outcome(granted) for granted in range(60)))
"""


# An error in a finalizer is only printed, as is CPython's own where there is no memory to call it. So this one exits.
FINALIZED = "import os" + SUBCLASS.replace(
    "    pass\n",
    """    def __del__(self):
        _testcapi.remove_mem_hooks()
        try:
            use(self)
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(3)

def use(thing):
    try:
        view = memoryview(thing)
    except BufferError as error:
        assert "it is closed" in str(error)
        assert thing.views() == 0
        try:
            thing.replace(bytes(48))
        except BufferError:
            return
    view.release()
""",
    1,
)


def test_an_object_of_a_subclass_that_is_not_finished_may_be_used_by_its_finalizer():
    assert apart.run(FINALIZED, stderr=None) == "MemoryError made\n"


def test_an_object_of_a_subclass_that_is_not_finished_is_dropped():
    assert apart.run(SUBCLASS) == "MemoryError made\n"
