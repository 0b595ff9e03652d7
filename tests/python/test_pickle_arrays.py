"""Pickles of arrays of ndarray, with their shape, and of memory that Rust shares."""

import copy
import pickle

import numpy as np
import pytest
from buffer_tests_ext.edges import Arrays

ORDERS = ["C", "F", "reversed"]
NAMES = ["grid", "pairs", "declared", "shared", "shared_vec"]


def shown(arrays):
    return {name: np.asarray(getattr(arrays, name)).copy() for name in NAMES}


def assert_same(one, other):
    for name, array in shown(one).items():
        assert (array.dtype, array.shape) == (shown(other)[name].dtype, shown(other)[name].shape)
        assert (array == shown(other)[name]).all(), name
    assert one.shape_of_declared() == other.shape_of_declared() == (2, 3)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_keep_their_shape(order, protocol):
    arrays = Arrays(order)
    back = pickle.loads(pickle.dumps(arrays, protocol=protocol))
    assert_same(arrays, back)
    assert np.asarray(back.grid).flags.c_contiguous
    assert memoryview(back.shared).readonly


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy])
def test_arrays_are_copied(order, how):
    arrays = Arrays(order)
    before = shown(arrays)["grid"]
    other = how(arrays)
    assert_same(arrays, other)
    np.asarray(other.grid)[:] = 0
    assert (np.asarray(arrays.grid) == before).all()


@pytest.mark.parametrize("order, lent", [("C", 5), ("F", 4), ("reversed", 3)])
def test_arrays_in_c_order_are_lent(order, lent):
    arrays, frames = Arrays(order), []
    data = pickle.dumps(arrays, protocol=5, buffer_callback=frames.append)
    assert len(frames) == lent
    if order == "C":
        assert (
            np.frombuffer(frames[0], np.float32).__array_interface__["data"]
            == (np.asarray(arrays.grid).__array_interface__["data"])
        )
    back = pickle.loads(data, buffers=frames)
    del frames
    assert_same(arrays, back)


def refused(name, value):
    _, (version, fields) = Arrays("C").__reduce_ex__(4)
    with pytest.raises(pickle.UnpicklingError) as refusal:
        Arrays.__buffer_rebuild__(version, {**fields, name: value})
    return str(refusal.value)


@pytest.mark.parametrize(
    "shape, text",
    [
        ((), "it has 0 dimensions, but there are always 2"),
        ((12,), "it has 1 dimensions, but there are always 2"),
        ((3, 5), "its shape is not one of 12 elements"),
        ((0, 12), "its shape is not one of 12 elements"),
        ((2**40, 2**40), "its shape is not one of 12 elements"),
        ((2**63, 2), "its shape is not one of 12 elements"),
        ((-3, -4), "is no memory"),
        ((3.0, 4), "is no memory"),
        ((3, 2**64), "is no memory"),
        ((1,) * 65, "is no memory"),
        ([3, 4], "is no memory"),
        (None, "is no memory"),
    ],
)
def test_shapes_that_lie_are_refused(shape, text):
    _, (_, fields) = Arrays("C").__reduce_ex__(4)
    format, memory, true = fields["grid"]
    assert true == (3, 4)
    assert text in refused("grid", (format, memory, shape))
    assert "is no memory" in refused("grid", (format, memory))


def test_shapes_of_any_number_of_dimensions():
    _, (version, fields) = Arrays("C").__reduce_ex__(4)
    format, memory, shape = fields["pairs"]
    assert (format, shape) == ("(2)B", (2, 1, 3))
    back = Arrays.__buffer_rebuild__(version, {**fields, "pairs": (format, memory, (1, 6, 1, 1))})
    assert np.asarray(back.pairs).shape == (1, 6, 1, 1, 2)
    assert "its shape is not one of 6 elements" in refused("pairs", (format, memory, (0, 7)))
    assert "it has 13 bytes" in refused("pairs", (format, memory + b"x", shape))


def test_a_shape_that_does_not_fit_the_declaration_is_refused():
    _, (_, fields) = Arrays("C").__reduce_ex__(4)
    format, memory, _ = fields["declared"]
    assert "does not fit its other fields" in refused("declared", (format, memory[:-2], (5, 1)))
