"""`with m.view(stable=True)`: a block in which nobody changes the bytes."""

import gc

import numpy as np
import pytest
from buffer_tests_ext import edges
from buffer_tests_ext.edges import Series
from pybuffer import (
    FULL_RO,
    STABLE,
    WRITABLE,
    View,
)
from stables import ALIVE, VALUES, Plain


def test_a_block_whose_bytes_nobody_changes():
    m = Series(VALUES)
    with m.view(stable=True) as v:
        assert v.readonly and v.tolist() == VALUES
        a = np.asarray(v)
        assert not a.flags.writeable
        for refused in (lambda: m.append(4.0), lambda: m.call_under("share", lambda: None)):
            with pytest.raises(BufferError, match=ALIVE):
                refused()
        with m.view(stable=True) as second:
            assert second.tolist() == VALUES
        del a
    assert m.views() == 0
    m.append(4.0)
    with m.view() as v:
        assert not v.readonly


def test_a_stable_block_is_refused_beside_writers():
    m = Series(VALUES)
    with memoryview(m), pytest.raises(BufferError, match="cannot grant a stable view: 1 writable view is alive"):
        m.view(stable=True).__enter__()
    with pytest.raises(BufferError, match="this 'Plain' cannot promise that its memory does not change"):
        Plain(VALUES).view(stable=True).__enter__()
    assert m.views() == 0


def test_a_block_of_a_part():
    m = edges.Several()
    with m.first_values(2).view(stable=True) as v:
        assert v.readonly and v.tolist() == VALUES[:2]
        with pytest.raises(BufferError, match=ALIVE):
            m.grow_values()
    m.grow_values()


def test_the_view_of_a_block_answers_requests_for_stable_ones():
    m = Series(VALUES)
    with m.view(stable=True) as v, View(v.obj, FULL_RO | STABLE) as view:
        assert view.answer().readonly
    with m.view() as v:
        with pytest.raises(BufferError, match="cannot grant a stable view"):
            View(v.obj, FULL_RO | STABLE)
        with pytest.raises(ValueError, match="PyBUF_STABLE_READ"):
            View(v.obj, WRITABLE | STABLE)


def test_a_consumer_that_outlives_a_stable_block():
    m = Series(VALUES)
    with pytest.raises(BufferError, match="still holds the memory"), m.view(stable=True) as v:
        a = np.asarray(v)
    with pytest.raises(BufferError, match=ALIVE):
        m.append(4.0)
    del a, v
    gc.collect()
    m.append(4.0)
