"""From a capsule to the end of its tensor: nobody takes it, on any thread, at exit, in a forked child."""

import ctypes
import gc
import os
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
from apart import run
from buffer_tests_ext import edges
from buffer_tests_ext.edges import Owner, Series, Tally
from dltensor import LEGACY, VERSIONED, Taken, api, versioned
from messages import SHARE, TENSOR_ALIVE


@pytest.mark.parametrize("ask", [{}, {"max_version": (1, 0)}, {"max_version": (1, 0), "copy": True}])
def test_a_capsule_that_nobody_takes_frees_its_tensor(ask):
    m = Owner([1, 2])
    capsule = m.__dlpack__(**ask)
    if "copy" not in ask:
        with pytest.raises(BufferError, match="1 tensor is alive"):
            edges.grow(m, 1)
    del capsule
    edges.grow(m, 1)
    with pytest.raises(ZeroDivisionError):
        (m.__dlpack__(**ask), 1 / 0)
    edges.grow(m, 1)


@pytest.mark.parametrize("ask", [{}, {"max_version": (1, 0)}])
def test_a_capsule_that_was_taken_frees_nothing(ask):
    m = Owner([1, 2])
    capsule = m.__dlpack__(**ask)
    taken = Taken(capsule)
    del capsule
    with pytest.raises(BufferError, match="1 tensor is alive"):
        edges.grow(m, 1)
    taken.delete()
    edges.grow(m, 1)
    # A bug of the consumer: it gave the capsule another name.
    capsule = m.__dlpack__(**ask)
    name = api.PyCapsule_GetName(capsule)
    api.PyCapsule_SetName(capsule, b"other")
    address = api.PyCapsule_GetPointer(capsule, b"other")
    del capsule
    with pytest.raises(BufferError, match="1 tensor is alive"):
        edges.grow(m, 1)
    assert name in (VERSIONED, LEGACY) and address


def test_a_tensor_outlives_its_object():
    tally = Tally()
    m = Owner([7, 8], tally)
    gone = weakref.ref(m)
    taken = versioned(m)
    del m
    assert gone() is None
    assert (tally.drops, list((ctypes.c_int * 2).from_address(taken.tensor.data))) == (0, [7, 8])
    thread = threading.Thread(target=taken.delete)
    thread.start()
    thread.join()
    Owner([1]).__dlpack__()
    assert tally.drops == 1


def test_tensors_end_on_threads_while_others_begin():
    m = Series([1.0, 2.0])
    failed = []

    def work():
        try:
            for _ in range(300):
                taken = versioned(m)
                assert taken.shape == (2,)
                taken.delete()
                np.from_dlpack(m)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    m.append(3)


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="this system does not tell how much memory is used")
def test_many_tensors_take_no_more_memory():
    m = Owner(list(range(100)))

    def some():
        for _ in range(10_000):
            np.from_dlpack(m)
            m.__dlpack__()
            m.__dlpack__(copy=True)

    def resident():
        with open("/proc/self/statm") as numbers:
            return int(numbers.read().split()[1])

    some()
    before = resident()
    for _ in range(10):
        some()
    # The memory in pages.
    assert resident() - before < 200
    edges.grow(m, 1)


KEPT_AT_EXIT = {
    "capsule": "sys.kept = m.__dlpack__()",
    "array": "import numpy; sys.kept = numpy.from_dlpack(m)",
    "tensor": "sys.kept = versioned(m)",
    "deleted by an atexit function": "import atexit; atexit.register(versioned(m).delete)",
    "deleted by a thread after the end": """
taken = versioned(m)
import time
threading.Thread(target=lambda: (time.sleep(0.05), taken.delete()), daemon=True).start()
""",
}


@pytest.mark.parametrize("keep", KEPT_AT_EXIT.values(), ids=KEPT_AT_EXIT)
@pytest.mark.parametrize("owner", ["edges.Owner([1, 2])", "edges.Series([1.0])"])
def test_tensors_at_exit(keep, owner):
    script = f"""
import sys, threading
sys.path.insert(0, sys.argv[1])
from buffer_tests_ext import edges
from dltensor import versioned
m = {owner}
{keep}
del m
"""
    assert run(script, Path(__file__).parent) == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_tensors_in_a_forked_child():
    script = """
import os, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)
sys.path.insert(0, sys.argv[1])
from buffer_tests_ext.edges import Series
from dltensor import versioned
m = Series([1.0])
taken = versioned(m)
others = versioned(m)
child = os.fork()
taken.delete()
try:
    m.append(2)
except BufferError as error:
    text = str(error)
others.delete()
m.append(2)
assert len(m) == 2
if child == 0:
    os.write(1, text.encode() + b"\\n")
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(text)
"""
    child, parent = run(script, Path(__file__).parent).splitlines()
    assert parent == f"cannot resize: {TENSOR_ALIVE}{SHARE}"
    assert child.startswith(parent) and "this process was forked" in child


@pytest.mark.parametrize("ask", [{}, {"max_version": (1, 0)}, {"copy": True}])
def test_a_request_frees_memory_whose_last_tensor_has_ended(ask):
    """The storage's drop may run code, which a deleter must not. The next request for a tensor runs it, whether the
    memory was viewed before or not."""
    viewed = Owner([1])
    versioned(viewed).delete()
    for asked in (viewed, Owner([1])):
        owns = Tally()
        m = edges.Child([1], Tally(), [2.0], owns)
        taken = versioned(m)
        del m
        gc.collect()
        taken.delete()
        assert owns.drops == 0
        Taken(asked.__dlpack__(**ask)).delete()
        assert owns.drops == 1
