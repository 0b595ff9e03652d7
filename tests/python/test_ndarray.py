"""Storages of ndarray: exported with their own shape and strides."""

import io
import random

import numpy as np
import pytest
from buffer_tests_ext import layouts
from pybuffer import FULL_RO, SIMPLE, View


def numbers(*shape):
    return np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)


def the_same(m, array):
    """Asserts that numpy and ndarray read `m` as this array. Where an extent is 0 or 1, the strides may differ."""
    ours = np.asarray(m)
    assert ours.shape == array.shape
    assert ours.tolist() == array.tolist()
    if array.size:
        steps = [(n, step) for n, step in zip(array.shape, array.strides) if n > 1]
        assert [(n, step) for n, step in zip(ours.shape, ours.strides) if n > 1] == steps
    assert ours.flags.writeable
    assert (ours.flags.c_contiguous, ours.flags.f_contiguous) == (array.flags.c_contiguous, array.flags.f_contiguous)
    assert memoryview(m).tolist() == array.tolist()
    assert memoryview(m).tobytes() == array.tobytes()
    del ours
    assert m.read() == array.ravel().tolist()


def test_an_array_has_its_own_shape():
    m = layouts.OfArray(numbers(2, 3, 4).tobytes(), [2, 3, 4])
    the_same(m, numbers(2, 3, 4))
    m.permute([2, 0, 1])
    the_same(m, numbers(2, 3, 4).transpose([2, 0, 1]))
    m.permute([1, 2, 0])
    m.permute([2, 1, 0])
    the_same(m, numbers(2, 3, 4).T)


def test_an_array_of_no_dimensions_and_arrays_of_no_items():
    the_same(layouts.OfArray(numbers(1).tobytes(), []), numbers(1).reshape(()))
    the_same(layouts.OfArray(b"", [0]), numbers(0))
    the_same(layouts.OfArray(b"", [2, 0, 3]), numbers(2, 0, 3))


def test_a_reversed_array_begins_at_its_end():
    m = layouts.OfArray(numbers(6).tobytes(), [6])
    whole = View(m, FULL_RO)
    start = whole.answer().buf
    whole.release()
    m.slice(0, 0, 6, -1)
    with View(m, FULL_RO) as view:
        assert (view.answer().buf, view.answer().strides) == (start + 20, (-4,))
    the_same(m, numbers(6)[::-1])


@pytest.mark.parametrize("seed", range(150))
def test_arrays_that_are_turned_and_sliced_at_random(seed):
    drawn = random.Random(seed)
    shape = [drawn.randrange(1, 6) for _ in range(drawn.randrange(1, 5))]
    array = numbers(*shape)
    m = layouts.OfArray(array.tobytes(), shape)
    for _ in range(drawn.randrange(5)):
        action = drawn.choice(["permute", "slice", "slice", "index"])
        if not array.ndim:
            break
        axis = drawn.randrange(array.ndim)
        length = array.shape[axis]
        if action == "permute":
            axes = drawn.sample(range(array.ndim), array.ndim)
            m.permute(axes)
            array = array.transpose(axes)
        elif action == "slice":
            start = drawn.randrange(length + 1)
            end = drawn.randrange(start, length + 1)
            step = drawn.choice([-3, -2, -1, 1, 2, 3])
            m.slice(axis, start, end, step)
            # With a negative step, ndarray walks the same range from its end.
            part = array[(slice(None),) * axis + (slice(start, end),)]
            array = part[(slice(None),) * axis + (slice(None, None, step),)]
        elif length:
            index = drawn.randrange(length)
            m.index(axis, index)
            array = array[(slice(None),) * axis + (index,)]
        the_same(m, array)


def test_under_a_view_an_array_is_not_turned():
    m = layouts.OfArray(numbers(2, 3).tobytes(), [2, 3])
    array = np.asarray(m)
    with pytest.raises(BufferError, match="cannot borrow for writing: 1 writable view is alive"):
        m.permute([1, 0])
    array[1, 1] = 40
    m.double()
    assert array.tolist() == [[0, 2, 4], [6, 80, 10]]
    del array
    m.permute([1, 0])
    assert np.asarray(m).tolist() == [[0, 6], [2, 80], [4, 10]]


def test_a_declared_shape_goes_before_an_arrays_own():
    assert np.asarray(layouts.OfFlatArray(numbers(2, 3).tobytes(), 2)).tolist() == [0, 1, 2, 3, 4, 5]


def test_requests_of_an_array_in_pieces_are_answered_as_numpy_answers_them():
    array = numbers(4, 6)[::2, ::-2]
    m = layouts.OfArray(numbers(4, 6).tobytes(), [4, 6])
    m.slice(0, 0, 4, 2)
    m.slice(1, 0, 6, -2)
    the_same(m, array)
    with pytest.raises(BufferError, match="not C-contiguous|PyBUF_STRIDES"):
        View(m, SIMPLE)
    with pytest.raises(BufferError):
        io.BytesIO().write(m)
