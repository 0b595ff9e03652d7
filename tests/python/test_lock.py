"""What a view prevents, what the refusals say, and when a view ends. `array` and `bytearray` are the controls."""

import array
import ctypes
import gc
import pickle
import threading

import numpy as np
import pytest
from buffer_tests_ext import edges
from buffer_tests_ext.edges import Series
from messages import HINT
from pythons import since_312

PyBUF_WRITABLE = 1

# How `write` suggests the guard that is granted beside views.
SHARE = ", or change values in place through `share`"
VALUES = [1.0, 2.0, 3.0]


def array_of_doubles(values):
    return array.array("d", values)


def bytes_of_doubles(values):
    return bytearray(array_of_doubles(values))


exporters = pytest.mark.parametrize(
    "make", [Series, array_of_doubles, bytes_of_doubles], ids=["ours", "array", "bytearray"]
)

CONSUMERS = {
    "memoryview": memoryview,
    "slice": lambda m: memoryview(m)[1:],
    "cast": lambda m: memoryview(m).cast("B"),
    "ndarray": np.asarray,
    "child of an ndarray": lambda m: np.asarray(m)[1:],
    "frombuffer": lambda m: np.frombuffer(m)[1:],
    "ctypes": (ctypes.c_double * 3).from_buffer,
    "PickleBuffer": pickle.PickleBuffer,
}

# Changes that a class may make to its elements. Each may move the memory.
CHANGES = {
    "grow": lambda m: m.append(4),
    "shrink": lambda m: m.pop(),
    "clear": lambda m: m.clear(),
    "reallocate": lambda m: m.shrink(),
}


def contents(m):
    return np.frombuffer(m).tolist()


@exporters
@pytest.mark.parametrize("consume", CONSUMERS.values(), ids=CONSUMERS.keys())
def test_any_view_keeps_the_memory_in_place(make, consume):
    m = make(VALUES)
    view = consume(m)
    for name, change in CHANGES.items():
        if name == "grow" or isinstance(m, Series):
            with pytest.raises(BufferError):
                change(m)
    assert contents(m) == VALUES

    del view
    gc.collect()
    m.append(4)
    m.pop()
    assert contents(m)[:2] == VALUES[:2]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_without_views_every_change_is_allowed(change):
    m = Series(VALUES)
    change(m)
    view = memoryview(m)
    with pytest.raises(BufferError):
        change(m)
    view.release()
    change(m)
    assert m.views() == 0


@exporters
def test_a_slice_locks_after_its_memoryview_was_released(make):
    m = make(VALUES)
    view = memoryview(m)
    part = view[1:]
    view.release()
    with pytest.raises(BufferError):
        m.append(4)
    part.release()
    m.append(4)


@exporters
def test_a_numpy_child_locks_after_the_memoryview_was_released_and_its_parent_died(make):
    m = make(VALUES)
    view = memoryview(m)
    parent = np.asarray(view)
    child = parent[1:]
    view.release()
    del view, parent
    gc.collect()
    with pytest.raises(BufferError):
        m.append(4)
    assert child.tobytes() == np.array(VALUES).tobytes()[child.itemsize :]
    del child
    m.append(4)


@exporters
def test_a_slice_of_frombuffer_outlives_its_parent(make):
    m = make(VALUES)
    tail = np.frombuffer(m)[1:]
    gc.collect()
    with pytest.raises(BufferError):
        m.append(4)
    assert tail.tolist() == [2.0, 3.0]
    del tail
    m.append(4)


@exporters
def test_a_ctypes_object_locks_until_it_dies(make):
    m = make(VALUES)
    doubles = (ctypes.c_double * 3).from_buffer(m)
    doubles[0] = 9
    first = ctypes.c_double.from_buffer(doubles)
    del doubles
    gc.collect()
    with pytest.raises(BufferError):
        m.append(4)
    del first
    gc.collect()
    assert contents(m) == [9.0, 2.0, 3.0]
    m.append(4)


@exporters
def test_a_second_release_does_nothing(make):
    m = make(VALUES)
    one, other = memoryview(m), memoryview(m)
    one.release()
    one.release()
    with pytest.raises(BufferError):
        m.append(4)
    other.release()
    m.append(4)


@since_312
@exporters
def test_a_second_release_buffer_raises_and_counts_nothing(make):
    m = make(VALUES)
    one, other = m.__buffer__(0), m.__buffer__(0)
    m.__release_buffer__(one)
    with pytest.raises(ValueError):
        m.__release_buffer__(one)
    one.release()
    with pytest.raises(BufferError):
        m.append(4)
    m.__release_buffer__(other)
    del one, other
    m.append(4)


@since_312
@exporters
def test_release_buffer_of_a_slice_ends_the_slice_alone(make):
    m = make(VALUES)
    view = m.__buffer__(0)
    m.__release_buffer__(view[:0])
    with pytest.raises(BufferError):
        m.append(4)
    assert view.nbytes == 24
    view.release()
    m.append(4)


@since_312
@exporters
def test_release_buffer_of_another_objects_view_raises(make):
    m, other = make(VALUES), make(VALUES)
    mine, theirs = memoryview(m), memoryview(other)
    for wrong in (theirs, memoryview(b"something else"), memoryview(np.asarray(m))):
        with pytest.raises(ValueError):
            m.__release_buffer__(wrong)
    for locked in (m, other):
        with pytest.raises(BufferError):
            locked.append(4)
    del mine, theirs, wrong
    gc.collect()
    m.append(4)
    other.append(4)


@exporters
def test_release_on_another_thread_unlocks(make):
    m = make(VALUES)
    views = [memoryview(m), np.asarray(m)]
    with pytest.raises(BufferError):
        m.append(4)
    thread = threading.Thread(target=views.clear)
    thread.start()
    thread.join(60)
    m.append(4)


def test_views_counts_each_request():
    m = Series(VALUES)
    assert m.views() == 0
    one = memoryview(m)
    array = np.asarray(m)
    slices = [one[1:], array[1:], array.reshape(3, 1)]
    assert m.views() == 2
    del one, array
    assert m.views() == 2
    del slices
    assert m.views() == 0


def readonly_view(m):
    """A view that was requested under a read guard. The guard was dropped since."""
    views = []
    m.call_under("read", lambda: views.append(memoryview(m)))
    return views.pop()


@pytest.mark.parametrize(
    ("writable", "readonly", "text"),
    [
        (1, 0, "1 writable view is alive"),
        (2, 0, "2 writable views are alive"),
        (0, 1, "1 read-only view is alive"),
        (0, 3, "3 read-only views are alive"),
        (1, 1, "1 writable and 1 read-only views are alive"),
        (2, 3, "2 writable and 3 read-only views are alive"),
    ],
)
def test_a_refusal_says_which_views_are_in_the_way(writable, readonly, text):
    m = Series(VALUES)
    views = [readonly_view(m) for _ in range(readonly)] + [memoryview(m) for _ in range(writable)]
    with pytest.raises(BufferError) as refusal:
        m.append(4)
    assert str(refusal.value) == f"cannot resize: {text}; release or delete every view first{SHARE}{HINT}"
    with pytest.raises(BufferError) as refusal:
        m.close()
    assert str(refusal.value) == f"cannot close: {text}; release or delete every view first{HINT}"
    assert m.why_not_write() == (len(views), False)
    del views
    assert m.why_not_write() is None


def test_a_refusal_changes_nothing():
    m = Series(VALUES)
    with memoryview(m) as view:
        address = np.asarray(m).ctypes.data
        for _ in range(3):
            for change in CHANGES.values():
                with pytest.raises(BufferError):
                    change(m)
        assert (view.tolist(), np.asarray(m).ctypes.data, m.views()) == (VALUES, address, 1)


def test_close_under_views_is_refused_and_leaves_the_object_usable():
    m = Series(VALUES)
    with memoryview(m) as view:
        with pytest.raises(BufferError, match="cannot close: 1 writable view is alive"):
            m.close()
        view[0] = 9.0
    m.append(4)
    assert contents(m) == [9.0, 2.0, 3.0, 4.0]


def test_after_close_everything_says_closed():
    m = Series(VALUES)
    assert m.close() == VALUES
    for attempt, text in [
        (lambda: memoryview(m), "cannot grant a view: it is closed"),
        (lambda: edges.request(m, PyBUF_WRITABLE), "cannot grant a writable view: it is closed"),
        (lambda: m.append(1), "cannot resize: it is closed"),
        (lambda: m.close(), "cannot close: it is closed"),
        (lambda: m.call_under("read", list), "cannot read: it is closed"),
        (lambda: m.call_under("share", list), "cannot share: it is closed"),
    ]:
        with pytest.raises(BufferError) as refusal:
            attempt()
        assert str(refusal.value) == text
    assert (len(m), m.views(), m.why_not_write()) == (0, 0, (0, True))


def test_many_epochs_of_views_and_changes_keep_each_other_out():
    m = Series([])
    for length in range(200):
        with memoryview(m) as view:
            assert view.shape == (length,)
            with pytest.raises(BufferError):
                m.append(0)
        m.append(length)
    assert contents(m) == list(range(200))
