"""Rust as a consumer that writes: through every layout, but only if each item is written exactly once."""

import array
import ctypes
import mmap
import random

import numpy as np
import pytest
from buffer_tests_ext import consumer, layouts
from pybuffer import FULL, FULL_RO

VALUES = [1.5, -2.0, 3.25]
EXPORTERS = {
    "numpy": lambda: np.array(VALUES),
    "array": lambda: array.array("d", VALUES),
    "ctypes": lambda: (ctypes.c_double * 3)(*VALUES),
    "bytearray": lambda: memoryview(bytearray(np.array(VALUES).tobytes())).cast("d"),
    "mmap": lambda: memoryview(mmap.mmap(-1, 24)).cast("d"),
    "ours": lambda: next(
        c for storage, layout, e, c in layouts.CLASSES if (storage, layout, e) == ("vec", "natural", "f64")
    )(np.array(VALUES).tobytes()),
}


@pytest.mark.parametrize("make", EXPORTERS.values(), ids=EXPORTERS)
def test_every_writable_exporter_is_written(make):
    exporter = make()
    shown = memoryview(exporter)
    if shown.format == "<d":
        shown = np.asarray(exporter)
    assert consumer.copy_from("f64", exporter, [1, 2, 3]) == shown.tolist() == [1, 2, 3]
    assert consumer.set("f64", exporter, [1], -2.5) == shown.tolist() == [1, -2.5, 3]
    assert consumer.reverse("f64", exporter) == shown.tolist() == [3, -2.5, 1]
    assert consumer.update("f64", exporter, lambda item: item * 2) == shown.tolist() == [6, -5, 2]
    consumer.scale(exporter, 0.5)
    assert shown.tolist() == [3, -2.5, 1]
    consumer.add_to(exporter, exporter)
    assert shown.tolist() == [6, -5, 2]
    assert consumer.fill("f64", exporter, 7) == shown.tolist() == [7, 7, 7]
    assert consumer.fill_detached("f64", exporter, 8) == shown.tolist() == [8, 8, 8]


READ_ONLY = {
    "bytes": lambda: memoryview(bytes(24)).cast("d"),
    "numpy": lambda: np.broadcast_to(1.0, 3),
    "memoryview": lambda: memoryview(array.array("d", VALUES)).toreadonly(),
    "mmap": lambda: memoryview(mmap.mmap(-1, 24, access=mmap.ACCESS_READ)).cast("d"),
    "ours": lambda: next(
        c for storage, layout, e, c in layouts.CLASSES if (storage, layout, e) == ("vec", "readonly", "f64")
    )(np.array(VALUES).tobytes()),
}


@pytest.mark.parametrize("make", READ_ONLY.values(), ids=READ_ONLY)
def test_read_only_exporters_refuse_to_be_written_in_their_own_words(make):
    exporter = make()
    before = consumer.read("f64", exporter)
    with pytest.raises((BufferError, ValueError), match="(?i)read-?only|not writable"):
        consumer.fill("f64", exporter, 7)
    assert consumer.read("f64", exporter) == before
    assert consumer.describe("f64", exporter)["readonly"] is True


def test_a_view_asks_to_write_only_if_it_means_to():
    it = consumer.Liar()
    consumer.read("f64", it)
    consumer.fill("f64", it, 0)
    assert it.asked == [FULL_RO, FULL]


@pytest.mark.parametrize("code, element", [("u1", "u8"), ("i2", "i16"), ("i4", "i32"), ("f4", "f32"), ("f8", "f64")])
def test_strided_arrays_are_written_in_index_order_and_nothing_beside(code, element):
    chance = random.Random(code)
    written = 0
    for _ in range(150):
        shape = [chance.randint(1, 6) for _ in range(chance.randint(0, 4))]
        whole = np.arange(np.prod(shape, dtype=int)).astype(code).reshape(shape)
        slices = tuple(slice(None, None, chance.choice([1, 1, 2, -1, -3])) for _ in shape)
        axes = chance.sample(range(len(shape)), len(shape))
        expected, theirs = whole.copy(), whole
        ours = whole[slices].transpose(axes) if shape else whole
        expected_part = expected[slices].transpose(axes) if shape else expected
        new = np.arange(ours.size) % 100 + 100
        consumer.copy_from(element, ours, new.tolist() if element == "u8" else new.astype(code).tolist())
        expected_part[...] = new.reshape(expected_part.shape)
        assert (theirs == expected).all()
        consumer.reverse(element, ours)
        expected_part[...] = new[::-1].reshape(expected_part.shape)
        assert (theirs == expected).all()
        consumer.update(element, ours, lambda item: type(item)(item // 2))
        expected_part[...] = (new[::-1] // 2).reshape(expected_part.shape)
        assert (theirs == expected).all()
        index = [chance.randrange(extent) for extent in ours.shape]
        consumer.set(element, ours, index, 99)
        expected_part[tuple(index)] = 99
        assert (theirs == expected).all()
        consumer.fill(element, ours, 3)
        expected_part[...] = 3
        assert (theirs == expected).all()
        written += 1
    assert written == 150


@pytest.mark.parametrize("length", [1, 511, 512, 513, 5000])
@pytest.mark.parametrize("step", [1, -1, 3])
def test_bulk_changes_go_on_from_chunk_to_chunk(length, step):
    whole = np.arange(length * abs(step), dtype=np.float64)
    expected = whole.copy()
    consumer.scale(whole[::step], 3.0)
    expected[::step] *= 3.0
    assert (whole == expected).all()
    table = np.arange(3.0 * length).reshape(length, 3)
    consumer.scale(table[:, 1:], 2.0)
    assert (table == np.arange(3.0 * length).reshape(length, 3) * [1, 2, 2]).all()
    consumer.fill("f64", table[:, :2].T, -1)
    assert (table[:, :2] == -1).all() and (table[:, 2] == np.arange(length) * 6 + 4).all()


def test_elements_that_are_arrays_are_written():
    points = np.zeros((2, 3), np.float32)
    consumer.set("[f32; 3]", points, [1], [1, 2, 3])
    assert points.tolist() == [[0, 0, 0], [1, 2, 3]]
    consumer.reverse("[f32; 3]", points)
    assert points.tolist() == [[1, 2, 3], [0, 0, 0]]
    consumer.fill("[f32; 3]", points[::-1], [4, 5, 6])
    assert points.tolist() == [[4, 5, 6]] * 2


OVERLAPPING = {
    "broadcast": ((3, 4), (0, 8)),
    "sliding window": ((3, 4), (8, 8)),
    "one item": ((5,), (0,)),
    "half": ((3, 2), (8, 16)),
}


@pytest.mark.parametrize("shape, strides", OVERLAPPING.values(), ids=OVERLAPPING)
def test_items_that_share_memory_are_read_and_not_written(shape, strides):
    memory = np.arange(12.0)
    array = np.lib.stride_tricks.as_strided(memory, shape, strides)
    assert consumer.read("f64", array) == array.ravel().tolist()
    with pytest.raises(BufferError, match="items of this buffer share memory.*use the copy as the output"):
        consumer.scale(array, 2.0)
    assert (memory == np.arange(12.0)).all()
    consumer.scale(array.copy(), 2.0)


@pytest.mark.parametrize(
    ("shape", "strides"), [((3, 2), (16, 24)), ((2, 3), (24, 16)), ((3, 2, 2), (16, 24, 64))], ids=str
)
def test_items_that_interleave_are_written_once_each(shape, strides):
    memory = np.arange(16.0)
    array = np.lib.stride_tricks.as_strided(memory, shape, strides)
    expected = memory.copy()
    for place in np.unique(np.lib.stride_tricks.as_strided(np.arange(16), shape, strides)):
        expected[place] *= 2
    consumer.scale(array, 2.0)
    assert (memory == expected).all()


def test_rows_that_share_memory_are_not_written():
    def rows(offsets):
        it = consumer.Liar()
        it.rows, it.ndim, it.shape, it.strides = offsets, 2, [len(offsets), 2], [8, 8]
        it.suboffsets, it.len = [0, -1], 16 * len(offsets)
        return it

    for offsets in ([0, 16, 64], [64, 0, 16], [0]):
        assert consumer.fill("f64", rows(offsets), 1.0) == [1.0] * 2 * len(offsets)
    interleaved = rows([16, 8])
    interleaved.strides = [8, 24]
    assert consumer.fill("f64", interleaved, 1.0) == [1.0] * 4
    for offsets in ([0, 0], [0, 8], [64, 0, 72]):
        it = rows(offsets)
        assert len(consumer.read("f64", it)) == 2 * len(offsets)
        with pytest.raises(BufferError, match="share memory"):
            consumer.fill("f64", it, 1.0)
        assert it.alive == 0


def test_written_values_must_fit():
    array = np.arange(3.0)
    with pytest.raises(BaseException, match=r"index \[3\] is out of range for a buffer of shape \[3\]"):
        consumer.set("f64", array, [3], 0)
    with pytest.raises(BaseException, match="the slice to copy from must be as long as the buffer"):
        consumer.copy_from("f64", array, [1, 2])
    with pytest.raises(ValueError, match=r"shapes differ: \[3\] and \[2\]"):
        consumer.add_to(array, array[:2])
    assert array.tolist() == [0, 1, 2]


def test_an_update_replaces_every_item_whatever_is_written_meanwhile():
    values = np.arange(4.0)

    def change(item):
        values[3] = 50
        return item + (item == 0)

    consumer.update("f64", values, change)
    assert values.tolist() == [1, 1, 2, 3]


@pytest.mark.parametrize("element", ["u8", "i16", "f32", "f64"])
@pytest.mark.parametrize("length", [1, 7, 127, 128, 129, 1023, 1024, 1025, 1500])
def test_an_update_changes_rows_of_every_length_and_nothing_beside_them(element, length):
    dtype = {"u8": "u1", "i16": "i2", "f32": "f4", "f64": "f8"}[element]
    for start in range(3):
        table = (np.arange(3 * (length + 5)) % 100).astype(dtype).reshape(3, length + 5)
        expected = table.copy()
        for rows in (table[:, start : start + length], table[1, start : start + length]):
            consumer.update(element, rows, lambda item: item + 1)
        expected[:, start : start + length] += 1
        expected[1, start : start + length] += 1
        assert (table == expected).all()


def test_an_empty_buffer_is_written_with_nothing():
    for empty in (np.zeros(0), np.zeros((3, 0)), np.zeros((0, 3)).T):
        assert (
            consumer.fill("f64", empty, 1)
            == consumer.copy_from("f64", empty, [])
            == consumer.reverse("f64", empty)
            == []
        )
