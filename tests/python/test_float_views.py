"""Rust as a consumer of floats of either size, in every layout."""

import array
import ctypes
import random
import re

import numpy as np
import pytest
from buffer_tests_ext import consumer, edges

FLOATS = {"f32": np.float32, "f64": np.float64}
TYPES = pytest.mark.parametrize("name", FLOATS)


def arrays(dtype, seed, count=60):
    """Arrays of up to 4 dimensions, sliced with steps of either sign and transposed; some are empty."""
    chance = random.Random(f"{dtype}{seed}")
    for _ in range(count):
        shape = [chance.choice([0, 1, 1, 2, 3, 7, 40]) for _ in range(chance.randint(0, 4))]
        whole = np.asarray(np.random.default_rng(seed).normal(size=shape).astype(dtype))
        part = whole[(*(slice(None, None, chance.choice([1, 1, 2, -1, -3])) for _ in shape), ...)]
        yield part.transpose(chance.sample(range(part.ndim), part.ndim))


@TYPES
@pytest.mark.parametrize("seed", range(2))
def test_floats_of_every_layout_are_read_in_index_order(name, seed):
    for a in arrays(FLOATS[name], seed):
        assert consumer.floats(a) == (name, list(a.shape), a.astype("f8").ravel().tolist())


@TYPES
def test_floats_of_every_exporter_are_read(name):
    code = {"f32": "f", "f64": "d"}[name]
    items = [1.5, -2.0, 3.25]
    for exporter in (
        array.array(code, items),
        memoryview(array.array(code, items[::-1]))[::-1],
        {"f32": ctypes.c_float, "f64": ctypes.c_double}[name].__mul__(3)(*items),
        memoryview(array.array(code, items).tobytes()).cast(code),
        np.array([(0, item) for item in items], [("a", code), ("b", code)])["b"],
    ):
        assert consumer.floats(exporter) == (name, [3], items)
    assert consumer.floats(edges.Series(items)) == ("f64", [3], items)


def test_floats_behind_pointers_are_read(testbuffer):
    rows = testbuffer.ndarray([1, 2, 3, 4, 5, 6], shape=[2, 3], format="f", flags=testbuffer.ND_PIL)
    assert consumer.floats(rows) == ("f32", [2, 3], [1, 2, 3, 4, 5, 6])


@TYPES
def test_one_float_has_no_dimensions(name):
    scalar = np.array(2.5, FLOATS[name])
    assert consumer.floats(scalar) == (name, [], [2.5])
    assert consumer.float_at(scalar, []) == 2.5 and consumer.float_at(scalar, [0]) is None


@TYPES
def test_indices(name):
    a = np.arange(6, dtype=FLOATS[name]).reshape(2, 3)[:, ::-1]
    assert consumer.float_at(a, [1, 0]) == 5.0
    for index in ([2, 0], [0, 3], [1], [1, 1, 1], []):
        assert consumer.float_at(a, index) is None


@TYPES
def test_all_chunks_but_the_last_are_as_long_as_the_first(name):
    for length in (1, 511, 512, 513, 1024, 1025, 5000):
        for a in (np.ones(length, FLOATS[name]), np.ones(2 * length, FLOATS[name])[::2]):
            lengths = consumer.float_chunks(a)
            assert sum(lengths) == length
            assert set(lengths[:-1]) <= {lengths[0]} and lengths[-1] <= lengths[0]
    assert consumer.float_chunks(np.ones(0, FLOATS[name])) == []


@TYPES
@pytest.mark.parametrize("seed", range(2))
def test_floats_of_every_layout_are_written(name, seed):
    for a in arrays(FLOATS[name], seed):
        a = a if a.flags.writeable else a.copy()
        expected = (a.astype("f8") * 1.1).astype(a.dtype)
        assert consumer.scale_floats(a, 1.1) == expected.astype("f8").ravel().tolist()
        assert a.tolist() == expected.tolist()
        assert consumer.fill_floats(a, 0.1) == (a.ndim, list(a.shape))
        assert (a == a.dtype.type(0.1)).all()


@TYPES
@pytest.mark.parametrize("seed", range(2))
def test_every_other_way_to_read_agrees(name, seed):
    for a in arrays(FLOATS[name], seed):
        strides, readonly, in_c_order, in_fortran_order, items = consumer.floats_again(a)
        view = memoryview(a)
        assert (tuple(strides), readonly) == (view.strides, view.readonly)
        assert (in_c_order, in_fortran_order) == (view.c_contiguous, view.f_contiguous)
        assert items == a.astype("f8").ravel().tolist()
    assert consumer.floats_again(np.arange(5000, dtype=FLOATS[name])[::-3])[-1] == list(range(4999, -1, -3))


@TYPES
@pytest.mark.parametrize("seed", range(2))
def test_items_are_copied_from_a_slice_and_rounded(name, seed):
    for a in arrays(FLOATS[name], seed):
        a = a if a.flags.writeable else a.copy()
        items = [0.1 * n for n in range(a.size)]
        consumer.copy_into_floats(a, items)
        assert a.ravel().tolist() == np.array(items, a.dtype).tolist()
    long = np.zeros(3000, FLOATS[name])[::2]
    consumer.copy_into_floats(long, [0.1 * n for n in range(1500)])
    assert long.tolist() == np.array([0.1 * n for n in range(1500)], FLOATS[name]).tolist()
    with pytest.raises(BaseException, match="must be as long as the buffer"):
        consumer.copy_into_floats(np.zeros(3, FLOATS[name]), [1.0])


@TYPES
@pytest.mark.parametrize("length", [1, 40, 513, 5000])
@pytest.mark.parametrize("step", [1, -2])
def test_chunks_store_only_the_items_that_they_change(name, length, step):
    a = np.ones(abs(step) * length, FLOATS[name])[::step]

    def selected(start, end):
        # A write beside Rust, after it has loaded the chunk.
        a[start:end] = 3.0
        return list(range(start, end, 3))

    lengths = consumer.negate_some_floats(a, selected)
    assert sum(lengths) == length and set(lengths[:-1]) <= {lengths[0]} and lengths[-1] <= lengths[0]
    starts = np.cumsum([0, *lengths[:-1]])
    changed = np.concatenate([np.arange(start, start + count, 3) for start, count in zip(starts, lengths)])
    expected = np.full(length, 3.0)
    expected[changed] = -1.0
    assert a.tolist() == expected.tolist()


def test_a_signalling_nan_that_nobody_changes_is_not_stored():
    a = np.full(600, 0x7FA00000, "u4")

    def selected(start, end):
        a[start:end] = 7
        return []

    consumer.negate_some_floats(a.view("f4"), selected)
    assert (a == 7).all()


@TYPES
def test_one_float_is_stored_and_rounded(name):
    a = np.zeros((2, 3), FLOATS[name])[:, ::-1]
    assert consumer.set_float(a, [1, 0], 0.1) == a[1, 0] == FLOATS[name](0.1)
    assert np.count_nonzero(a) == 1
    with pytest.raises(BaseException, match=r"index \[2, 0\] is out of range for a buffer of shape \[2, 3\]"):
        consumer.set_float(a, [2, 0], 1.0)


@pytest.mark.parametrize("dtype", ["i4", "f2", ">f4", ">f8", "c8", "?", "U1", [("a", "f8"), ("b", "i4")]], ids=str)
def test_other_items_are_refused_and_both_types_are_named(dtype):
    other = np.zeros(3, dtype)
    format = re.escape(memoryview(other).format)
    text = f"^expected items of float32 or float64, but this buffer has items of format '{format}'; "
    with pytest.raises(
        BufferError, match=text + r"convert it first, for example with np.asarray\(x, dtype='float64'\)"
    ):
        consumer.floats(other)
    with pytest.raises(BufferError, match=text + "it is written in place, so pass an array of such items, for example"):
        consumer.fill_floats(other, 1.0)


def test_the_argument_is_named():
    for call, wrong in ((consumer.floats, np.zeros(2, "i4")), (consumer.floats, [1.0]), (consumer.copy_floats, b"abc")):
        with pytest.raises((BufferError, TypeError)) as refusal:
            call(wrong)
        if hasattr(refusal.value, "add_note"):
            assert refusal.value.__notes__ == ["while processing 'view'"]


def test_objects_in_an_array_are_refused_with_the_conversion():
    text = r"cannot be read: refused code 'O' \(a Python object\) at byte 0 of \"O\"; convert it first"
    with pytest.raises(BufferError, match=text):
        consumer.floats(np.array([1.0, None]))


def test_what_is_wrong_beside_the_type_is_named():
    misaligned = np.zeros(3, "u1,f4")["f1"]
    with pytest.raises(BufferError, match=r"expected items aligned to 4 bytes \(f32\)"):
        consumer.floats(misaligned)
    sliding = np.lib.stride_tricks.as_strided(np.zeros(9, "f4"), (3, 3), (4, 4))
    assert consumer.floats(sliding)[1] == [3, 3]
    with pytest.raises(BufferError, match="items of this buffer share memory"):
        consumer.fill_floats(sliding, 1.0)
    with pytest.raises((BufferError, ValueError), match="(?i)read-?only"):
        consumer.fill_floats(np.broadcast_to(np.float32(1), 3), 1.0)
    liar = consumer.Liar()
    liar.format, liar.itemsize = b"f", 8
    with pytest.raises(BufferError, match="contradicts itself: an item of format 'f' has 4 bytes, but itemsize is 8"):
        consumer.floats(liar)
    assert liar.alive == 0


def test_one_view_is_requested_and_it_locks_while_it_lives():
    liar = consumer.Liar()
    consumer.floats(liar)
    assert (liar.granted, liar.alive) == (1, 0)
    m = edges.Series([1.0])
    assert consumer.call_under_floats(m, lambda: m.views() == 1 or 1 / 0).startswith("F64(BufferView { shape: [1]")
    assert m.views() == 0
    with pytest.raises(BufferError, match="1 writable view is alive"):
        consumer.call_under_floats(m, lambda: m.append(2.0))
    m.append(2.0)


def test_without_memory_for_a_copy_it_is_a_memory_error():
    for dtype in ("f4", "f8"):
        huge = np.broadcast_to(np.ones((), dtype), (2**59,))
        with pytest.raises(MemoryError, match="no memory for a copy of the 576460752303423488 items"):
            consumer.copy_floats(huge)
