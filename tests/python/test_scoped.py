"""`with m.view() as v:`: a memoryview that is released with its block, or an error if it is still in use."""

import contextlib
import ctypes
import gc
import pickle

import numpy as np
import pytest
from buffer_tests_ext import edges
from buffer_tests_ext.edges import Series, scoped, scoped_range

VALUES = [1.0, 2.0, 3.0]

CONTENT = [b"\1\2\3\4\5\6", b"\7\x08\x09\x0a\x0b\x0c"]

HELD = (
    "cannot release the view at the end of its block: a slice of it, an array or another consumer still holds the "
    "memory; delete them inside the block, or make copies of what is needed afterwards"
)
RELEASED = "operation forbidden on released memoryview object"


def test_a_view_ends_with_its_block_though_its_variable_lives():
    m = Series(VALUES)
    with m.view() as v:
        assert type(v) is memoryview
        assert (v.tolist(), v.format, v.shape, v.readonly) == (VALUES, "d", (3,), False)
        v[0] = 9.0
        with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
            m.append(4)
    assert m.views() == 0
    m.append(4)
    for use in (lambda: v[0], lambda: v[1:], lambda: bytes(v), lambda: len(v), lambda: np.frombuffer(v), lambda: v.obj):
        with pytest.raises(ValueError, match=RELEASED):
            use()
    with m.view() as v:
        assert v.tolist() == [9, 2, 3, 4]


def test_a_view_that_is_never_entered_locks_nothing():
    m = Series(VALUES)
    view = m.view()
    ranged = scoped_range(m, 8, 8)
    assert m.views() == 0
    m.append(4)
    with view as v, ranged as bytes_of_one:
        assert (v.nbytes, bytes_of_one.cast("d")[0]) == (32, 2.0)
        assert m.views() == 2
    assert m.views() == 0


CONSUMERS = {
    "slice": lambda v: v[1:],
    "another memoryview": memoryview,
    "cast": lambda v: v.cast("B"),
    "toreadonly": memoryview.toreadonly,
    "asarray": np.asarray,
    "slice of asarray": lambda v: np.asarray(v)[1:],
    "frombuffer": np.frombuffer,
    "ctypes": (ctypes.c_double * 3).from_buffer,
    "iterator": lambda v: [v[index:] for index in range(3)],
}
# These consumers hold the memoryview itself, not only its memory.
HOLDERS = {
    "PickleBuffer": pickle.PickleBuffer,
    "C": lambda v: edges.request(v, 0),
    "BufferView": lambda v: scoped(v).__enter__(),
}


@pytest.mark.parametrize("consume", CONSUMERS.values(), ids=CONSUMERS.keys())
def test_a_consumer_that_keeps_the_memory_is_reported_and_unlocks_it_when_it_ends(consume):
    m = Series(VALUES)
    with pytest.raises(BufferError) as refusal:
        with m.view() as v:
            kept = consume(v)
    assert (str(refusal.value), refusal.value.__context__) == (HELD, None)
    assert m.views() == 1
    with pytest.raises(BufferError):
        m.append(4)
    with pytest.raises(ValueError, match=RELEASED):
        v[0]
    assert bytes(kept[0] if isinstance(kept, list) else kept)

    del kept, refusal
    gc.collect()
    assert m.views() == 0
    m.append(4)


@pytest.mark.parametrize("consume", HOLDERS.values(), ids=HOLDERS.keys())
def test_a_name_for_the_view_keeps_it_alive(consume):
    m = Series(VALUES)
    with pytest.raises(BufferError) as refusal:
        with m.view() as v:
            kept = consume(v)
    assert str(refusal.value) == HELD
    assert (m.views(), v.tolist()) == (1, VALUES)
    del kept, refusal
    gc.collect()
    # As with any memoryview, the view now ends when it is released or dies.
    v.release()
    assert m.views() == 0
    m.append(4)


@pytest.mark.parametrize("consume", [*CONSUMERS.values(), *HOLDERS.values()], ids=[*CONSUMERS, *HOLDERS])
def test_a_consumer_may_end_inside_the_block(consume):
    m = Series(VALUES)
    with m.view() as v:
        kept = consume(v)
        del kept
        gc.collect()
    assert m.views() == 0
    m.append(4)


def test_a_view_may_be_released_inside_its_block():
    m = Series(VALUES)
    with m.view() as v:
        v.release()
        assert m.views() == 0
        m.append(4)
    with m.view() as v:
        piece = v[1:]
        v.release()
        assert (piece.tolist(), m.views()) == ([2, 3, 4], 1)
        piece.release()
        assert m.views() == 0


def test_the_exception_of_a_block_propagates():
    m = Series(VALUES)
    with pytest.raises(KeyError, match="mine") as raised:
        with m.view():
            raise KeyError("mine")
    assert raised.value.__context__ is None
    assert m.views() == 0


@pytest.mark.parametrize("consume", [np.asarray, pickle.PickleBuffer])
def test_the_exception_of_a_block_is_the_context_of_that_of_its_end(consume):
    m = Series(VALUES)
    with pytest.raises(BufferError, match="at the end of its block") as refusal:
        with m.view() as v:
            kept = consume(v)
            raise KeyError("mine")
    assert isinstance(refusal.value.__context__, KeyError)
    del kept, refusal, v
    gc.collect()
    m.append(4)


def test_an_exit_stack_ends_views_and_keeps_the_chain():
    m, other = Series(VALUES), Series(VALUES)
    with contextlib.ExitStack() as stack:
        views = [stack.enter_context(of.view()) for of in (m, other, m)]
        assert (m.views(), other.views()) == (2, 1)
    assert (m.views(), other.views()) == (0, 0)
    assert len(views) == 3

    with pytest.raises(BufferError) as refusal:
        with contextlib.ExitStack() as stack:
            kept = stack.enter_context(m.view())[1:]
            raise KeyError("mine")
    assert isinstance(refusal.value.__context__, KeyError)
    kept.release()
    assert m.views() == 0


def test_blocks_inside_blocks():
    m = Series(VALUES)
    with m.view() as one:
        with m.view() as other:
            assert m.views() == 2
            other[0] = 5.0
        assert (m.views(), one[0]) == (1, 5.0)
        with pytest.raises(ValueError):
            other[0]
    assert m.views() == 0

    with m.view() as outer, scoped(outer) as inner, scoped_range(inner, 8, 16) as innermost:
        assert innermost.cast("d").tolist() == [2, 3]
    assert m.views() == 0
    m.append(4)


def test_a_block_inside_a_block_that_keeps_the_outer_view():
    m = Series(VALUES)
    with pytest.raises(BufferError, match="at the end of its block"):
        with m.view() as outer:
            inner_scope = scoped(outer)
            inner_scope.__enter__()
    inner_scope.__exit__(None, None, None)
    outer.release()
    m.append(4)


def test_one_view_is_entered_once_at_a_time():
    m = Series(VALUES)
    view = m.view()
    with view as v:
        with pytest.raises(RuntimeError, match="its block has not ended; ask the object for another view"):
            with view:
                raise AssertionError("entered twice")
        assert (m.views(), v.tolist()) == (1, VALUES)
    m.append(4)
    with view as v:
        assert v.tolist() == [1, 2, 3, 4]
    # The block has ended already. Another exit changes nothing.
    view.__exit__(None, None, None)
    view.__exit__()
    assert m.views() == 0


def test_without_with_it_is_no_buffer():
    view = Series(VALUES).view()
    for use in (memoryview, bytes, lambda view: b"".join([view])):
        with pytest.raises(TypeError, match="ScopedView"):
            use(view)
    for use in (np.asarray, np.array, lambda view: np.asarray(view, dtype=float)):
        with pytest.raises(TypeError, match="enter it first, as in `with"):
            use(view)


def test_an_object_without_a_buffer_is_refused_at_once():
    for make in (scoped, lambda thing: scoped_range(thing, 0, 0)):
        with pytest.raises(TypeError, match="a bytes-like object is required, not 'list'"):
            make([1, 2])


def test_a_refusal_is_raised_where_the_block_begins():
    m = Series(VALUES)
    view = m.view()
    m.close()
    with pytest.raises(BufferError, match="cannot grant a view: it is closed"):
        with view:
            raise AssertionError("entered")
    with pytest.raises(BufferError, match="cannot grant a view: it is closed"):
        scoped_range(m, 0, 0)
