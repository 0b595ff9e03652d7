"""A session with a C library that frees its own memory: no array is ever dangling."""

import gc
import threading
import weakref

import numpy as np
import pytest
from foreign import Wrapper, live_allocations


def test_the_whole_session():
    before = live_allocations()
    w = Wrapper(10)
    assert live_allocations() == before + 1
    a = np.asarray(w)
    assert a.dtype == np.int32
    assert a.tolist() == list(range(10))

    half, doubles = a[::2], a.view(np.double)
    assert np.dot(a, a) == 285
    np.copyto(a, a[::-1].copy())
    assert memoryview(w).tolist() == list(range(9, -1, -1))
    as_doubles = np.arange(9, -1, -1, dtype=np.int32).view(np.double)

    # The last name of the wrapper is deleted while arrays are alive. With a plain wrapper, this would free the memory.
    del w, a
    gc.collect()
    others = [Wrapper(10) for _ in range(100)]
    assert live_allocations() == before + 101
    assert half.tolist() == [9, 7, 5, 3, 1]
    assert doubles.tolist() == as_doubles.tolist()
    assert np.dot(half, half) == 165
    np.copyto(half, 0)
    assert doubles.view(np.int32).tolist() == [0, 8, 0, 6, 0, 4, 0, 2, 0, 0]

    del half, others
    assert live_allocations() == before + 1
    del doubles
    assert live_allocations() == before


def test_nothing_is_copied():
    w = Wrapper(3)
    a, b = np.asarray(w), np.asarray(w)
    a[1] = -5
    assert np.shares_memory(a, b) and a.flags.writeable and not a.flags.owndata
    assert b.tolist() == [0, -5, 2]


@pytest.mark.parametrize(
    "view",
    [
        memoryview,
        np.asarray,
        lambda w: np.asarray(w)[3:],
        lambda w: np.asarray(w)[:0],
        lambda w: np.asarray(w).view(np.double),
        lambda w: np.frombuffer(w, "u1"),
        lambda w: np.asarray(w).reshape(2, 5).T,
        lambda w: memoryview(w).cast("B")[::2],
    ],
    ids=["memoryview", "array", "slice", "nothing of it", "doubles", "bytes", "transposed", "cast"],
)
def test_freeing_under_a_view_is_refused(view):
    w = Wrapper(10)
    before = live_allocations()
    v = view(w)
    content = v.tobytes()
    for _ in range(2):
        with pytest.raises(BufferError, match="cannot close: 1 writable view is alive; release or delete"):
            w.free()
    assert (v.tobytes(), len(w), live_allocations()) == (content, 10, before)
    del v
    w.free()
    assert live_allocations() == before - 1


def test_freed_memory_is_not_shown():
    w = Wrapper(10)
    w.free()
    assert len(w) == 0
    for view in (memoryview, np.asarray, np.array, bytes, np.sum):
        with pytest.raises(BufferError, match="it is closed"):
            view(w)


def test_freeing_again_does_nothing():
    before = live_allocations()
    w = Wrapper(10)
    for _ in range(3):
        w.free()
        assert live_allocations() == before
    del w
    assert live_allocations() == before


def test_a_wrapper_that_nobody_viewed_is_freed_with_its_name():
    before = live_allocations()
    w = Wrapper(10)
    dead = weakref.ref(w)
    del w
    assert (dead(), live_allocations()) == (None, before)


def test_the_last_array_may_go_on_another_thread():
    before = live_allocations()
    held = [np.asarray(Wrapper(1000))]
    thread = threading.Thread(target=held.clear)
    thread.start()
    thread.join(60)
    assert live_allocations() == before


def test_threads_that_free_one_wrapper_free_it_once():
    before = live_allocations()
    for _ in range(50):
        w = Wrapper(100)
        threads = [threading.Thread(target=w.free) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert live_allocations() == before
