"""Tensors of our memory lock it as views do, each the memory that it shows."""

import ctypes
import gc
import re

import numpy as np
import pytest
from buffer_tests_ext import edges, layouts
from buffer_tests_ext.edges import Closing, Detaching, Log, Owner, Series, Several
from dltensor import READ_ONLY, versioned
from messages import HINT, SHARE, TENSOR_ALIVE
from numpys import AS_NUMPY_2


def refused(text):
    return pytest.raises(BufferError, match=f"^{re.escape(text)}$")


def test_a_tensor_shows_the_memory_and_locks_it():
    m = Owner([1, 2, 3])
    array = np.from_dlpack(m)
    assert (array.tolist(), array.dtype, m.views()) == ([1, 2, 3], np.int32, 0)
    if AS_NUMPY_2:
        array[1] = 20
        assert memoryview(m).tolist() == [1, 20, 3]
    memoryview(m)[2] = 30
    assert array[2] == 30
    rest = array[1:]
    del array
    gc.collect()
    with refused(f"cannot resize: {TENSOR_ALIVE}{SHARE}"):
        edges.grow(m, 4)
    with refused(f"cannot close: {TENSOR_ALIVE}"):
        m.close()
    assert rest.tolist() == [memoryview(m)[1], 30]
    del rest
    gc.collect()
    edges.grow(m, 4)
    assert len(memoryview(m)) == 4


def test_tensors_and_views_and_guards_live_together_as_views_do():
    m = Series([1.0, 2.0])
    one, other = versioned(m), versioned(m)
    with refused(f"cannot resize: 2 tensors are alive; delete every tensor first{SHARE}"):
        m.append(3)
    with refused("cannot read: 2 tensors are alive; delete every tensor first"):
        m.call_under("read", list)
    m.call_under("share", lambda: memoryview(m).release())
    with memoryview(m) as view:
        assert not view.readonly
        with refused("cannot resize: 1 writable view is alive; release or delete every view first" + SHARE + HINT):
            m.append(3)
    one.delete()
    with refused(f"cannot resize: {TENSOR_ALIVE}{SHARE}"):
        m.append(3)
    assert edges.holders(m) == [("tensor", None, None, None, None, None)]
    other.delete()
    assert edges.holders(m) == []
    m.append(3)
    m.call_under("read", list)


def test_beside_a_read_guard_a_tensor_is_read_only():
    m = Series([1.0, 2.0])
    made = []

    def inside():
        made.append(versioned(m))
        with pytest.raises(BufferError, match="the memory is read-only"):
            m.__dlpack__()

    m.call_under("read", inside)
    assert made[0].managed.flags == READ_ONLY
    # The read-only tensor does not exclude readers, but the memory cannot move.
    m.call_under("read", list)
    with refused(f"cannot resize: {TENSOR_ALIVE}{SHARE}"):
        m.append(3)
    writable = versioned(m)
    with refused("cannot read: 2 tensors are alive; delete every tensor first"):
        m.call_under("read", list)
    writable.delete()
    made[0].delete()
    reader = []
    m.call_under("read", lambda: reader.append(versioned(m)))
    m.call_under("read", list)
    reader[0].delete()
    m.append(3)


@pytest.mark.parametrize(("guard", "text"), [("write", "Rust is changing it")])
def test_a_tensor_is_refused_as_a_view_is(guard, text):
    m = Series([1.0])

    def inside():
        with pytest.raises(BufferError, match=f"cannot grant a view: {text}"):
            m.__dlpack__()
        with pytest.raises(BufferError, match=f"cannot grant a view: {text}"):
            m.__dlpack__(copy=True)

    m.call_under(guard, inside)
    m.close()
    with refused("cannot grant a view: it is closed"):
        m.__dlpack__()


def test_inside_a_mutable_borrow():
    m = Owner([1])

    def inside():
        with pytest.raises(BufferError, match="is mutably borrowed"):
            m.__dlpack__()

    m.call_then_grow(inside)
    taken = versioned(m)
    with pytest.raises(BufferError, match="1 tensor is alive"):
        m.call_then_grow(lambda: None)
    taken.delete()
    m.call_then_grow(lambda: None)


def test_properties_and_parts_lock_their_own_field():
    several = Several()
    values, column = versioned(several.values), versioned(several.column(1))
    assert (values.shape, column.shape, column.strides) == ((3,), (2,), (1,))
    with pytest.raises(BufferError, match="1 tensor is alive"):
        several.grow_values()
    with pytest.raises(BufferError, match="1 tensor is alive"):
        several.grow_cells()
    values.delete()
    several.grow_values()
    column.delete()
    several.grow_cells()
    sealed = versioned(several.sealed)
    assert sealed.managed.flags == READ_ONLY
    sealed.delete()
    with pytest.raises(BufferError, match="allocated one by one"):
        several.rows.__dlpack__()
    whole = layouts.Whole(bytes(48), 3)
    row = versioned(whole.row(2))
    with pytest.raises(BufferError, match="1 tensor is alive"):
        whole.replace(b"")
    row.delete()
    whole.replace(b"")
    pinned = versioned(several.pinned)
    pinned.delete()
    with pytest.raises(BufferError, match="the memory is pinned"):
        several.grow_pinned()


def test_replaced_and_detached_memory_stays_with_its_tensors():
    m = Owner([1, 2])
    taken = versioned(m)
    edges.replace(m, [3])
    edges.grow(m, 4)
    assert list((ctypes.c_int * 2).from_address(taken.tensor.data)) == [1, 2]
    taken.delete()

    log = Log([1.0])
    taken = versioned(log)
    log.append(2.0)
    assert memoryview(log).tolist() == [1.0, 2.0]
    assert list((ctypes.c_double * 1).from_address(taken.tensor.data)) == [1.0]
    log.append(3.0)
    taken.delete()

    detaching = Detaching([1, 2])
    taken = versioned(detaching)
    detaching.detach()
    assert detaching.closed
    assert list((ctypes.c_int * 2).from_address(taken.tensor.data)) == [1, 2]
    taken.delete()

    closing = Closing([1])
    taken = versioned(closing)
    with pytest.raises(BufferError, match="cannot close: 1 tensor is alive"):
        closing.close()
    taken.delete()
    assert closing.close()


def test_expressions_of_the_user_run_and_may_raise():
    shaped = edges.Shaped([1, 2], lambda: 2)
    taken = versioned(shaped)
    assert taken.shape == memoryview(shaped).shape
    taken.delete()
    with pytest.raises(ZeroDivisionError):
        edges.Shaped([1, 2], lambda: 1 / 0).__dlpack__()
    with pytest.raises(BufferError, match="cannot grant a view"):
        edges.Shaped([1, 2], lambda: 5).__dlpack__()
