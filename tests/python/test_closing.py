"""Memory that is freed before its object dies: at the end of a `with` block, or by an explicit call."""

import gc
import sys
import threading

import numpy as np
import pytest
from buffer_tests_ext.edges import Closing, Detaching, Tally
from messages import HINT

CLOSED = "cannot grant a view: it is closed"


def test_a_block_closes_at_its_end():
    tally = Tally()
    with Closing([1, 2], tally) as m:
        assert memoryview(m).tolist() == [1, 2]
        assert not m.closed
    assert (m.closed, tally.drops) == (True, 1)
    with pytest.raises(BufferError) as refusal:
        memoryview(m)
    assert str(refusal.value) == CLOSED


def test_closing_twice_is_allowed():
    tally = Tally()
    with Closing([1, 2], tally) as m:
        assert m.close()
        assert not m.close()
    assert not m.close()
    with m:
        assert m.closed
    assert tally.drops == 1


def test_a_block_with_a_view_left_raises_at_its_end_and_changes_nothing():
    tally = Tally()
    with pytest.raises(BufferError) as refusal:
        with Closing([1, 2], tally) as m:
            array = np.asarray(m)
    assert str(refusal.value) == f"cannot close: 1 writable view is alive; release or delete every view first{HINT}"
    assert (m.closed, tally.drops, array.tolist()) == (False, 0, [1, 2])
    del array
    assert m.close()
    assert tally.drops == 1


def test_the_exception_of_a_block_is_the_context_of_that_of_its_end():
    with pytest.raises(BufferError) as refusal:
        with Closing([1, 2]) as m:
            view = memoryview(m)
            raise KeyError("mine")
    assert isinstance(refusal.value.__context__, KeyError)
    view.release()

    with pytest.raises(KeyError, match="mine"):
        with m:
            raise KeyError("mine")
    assert m.closed


def test_detach_closes_under_views_which_keep_the_memory():
    tally = Tally()
    with Detaching([1, 2, 3], tally) as m:
        view, array = memoryview(m), np.asarray(m)
        assert m.views() == 2
    assert (m.closed, m.views(), tally.drops) == (True, 0, 0)
    with pytest.raises(BufferError) as refusal:
        memoryview(m)
    assert str(refusal.value) == CLOSED
    with pytest.raises(BufferError) as refusal:
        m.append(4)
    assert str(refusal.value) == "cannot resize: it is closed"
    array[0] = 9
    assert view.tolist() == [9, 2, 3]
    del m
    gc.collect()
    view.release()
    assert (tally.drops, array.tolist()) == (0, [9, 2, 3])
    del array
    assert tally.drops == 1


@pytest.mark.parametrize("detach", ["detach", "detach_detached"])
def test_a_second_detach_does_nothing(detach):
    tally = Tally()
    m = Detaching([1], tally)
    getattr(m, detach)()
    assert (m.closed, tally.drops) == (True, 1)
    getattr(m, detach)()
    assert (m.closed, tally.drops) == (True, 1)


@pytest.mark.parametrize("detach", ["detach", "detach_detached"])
def test_detached_memory_is_freed_by_the_last_view_on_any_thread(detach):
    tally = Tally()
    m = Detaching([1, 2], tally)
    views = [memoryview(m), np.asarray(m)]
    getattr(m, detach)()
    thread = threading.Thread(target=views.clear)
    thread.start()
    thread.join(60)
    assert tally.drops == 1


def test_a_block_that_raises_is_detached_and_its_exception_propagates():
    tally = Tally()
    with pytest.raises(KeyError, match="mine"):
        with Detaching([1], tally) as m:
            view = memoryview(m)
            raise KeyError("mine")
    assert (m.closed, view.tolist()) == (True, [1])
    view.release()
    assert tally.drops == 1


@pytest.mark.parametrize("make", [Closing, Detaching])
def test_a_storage_that_views_its_object_while_it_is_dropped_finds_it_closed(make):
    seen = []

    def last_act():
        try:
            memoryview(m)
        except BufferError as refusal:
            seen.append(str(refusal))

    m = make([1], None, last_act)
    with m:
        pass
    if make is Closing:
        assert seen == [CLOSED]
    else:
        # The storage is dropped inside `&mut self`, which is still borrowed.
        assert seen[0].startswith("cannot grant a view: this `Detaching` is mutably borrowed")
    assert m.closed


def test_a_storage_whose_drop_panics_leaves_a_closed_object():
    before, sys.unraisablehook = sys.unraisablehook, lambda hook: None
    try:
        for make, end in [(Closing, "close"), (Detaching, "detach")]:
            tally = Tally()
            m = make([1], tally, "panic")
            with pytest.raises(BaseException, match="the drop of a storage panics"):
                getattr(m, end)()
            assert (m.closed, tally.drops) == (True, 1)
    finally:
        sys.unraisablehook = before
