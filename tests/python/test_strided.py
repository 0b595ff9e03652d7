"""Strides and offsets: every layout that lies inside the storage is granted, with the reference answer."""

import itertools
import random

import numpy as np
import pytest
from buffer_tests_ext import layouts
from pybuffer import FULL, FULL_RO, SIMPLE, STRIDED_RO, View, ask
from test_requests import answers, described, differences

CLASSES = {1: layouts.Strided1, 2: layouts.Strided2, 3: layouts.Strided3}
VALUES = np.arange(1, 25, dtype=np.int32)
CONTENT = VALUES.tobytes()
SIZE = VALUES.itemsize

# How many layouts to try for each number of dimensions. The reference answers every request for each layout.
LAYOUTS = 150


def random_layouts(ndim, seed):
    """Layouts in multiples of the itemsize, which the reference requires. About half are inside the storage."""
    chance = random.Random(seed)
    for _ in range(LAYOUTS):
        shape = [chance.choice([0, 1, 1, 2, 2, 3, 4]) for _ in range(ndim)]
        strides = [SIZE * chance.randint(-6, 6) for _ in range(ndim)]
        yield shape, strides, SIZE * chance.randint(0, 23)


def items_of(shape, strides, offset):
    """The offset of each item, or None if an item is outside the storage."""
    indices = itertools.product(*map(range, shape))
    places = [offset + sum(index * stride for index, stride in zip(each, strides)) for each in indices]
    return places if all(0 <= place <= len(CONTENT) - SIZE for place in places) else None


def ndarray(testbuffer, shape, strides, offset, readonly):
    flags = 0 if readonly else testbuffer.ND_WRITABLE
    return testbuffer.ndarray(VALUES.tolist(), shape=shape, strides=strides, offset=offset, format="i", flags=flags)


@pytest.mark.parametrize("ndim", CLASSES)
def test_every_request_of_a_strided_layout_gets_the_reference_answer(testbuffer, ndim):
    granted = 0
    for shape, strides, offset in random_layouts(ndim, seed=ndim):
        m = CLASSES[ndim](CONTENT, *shape, *strides, offset)
        places = items_of(shape, strides, offset)
        if places is None:
            assert ask(m, FULL_RO) is None, (shape, strides, offset)
            continue
        granted += 1
        ours = answers(m)
        readonly = bool(ask(m, FULL_RO).readonly)
        # Overlapping items must be read-only: writing one would write the other. Other layouts are writable, unless the
        # check cannot tell whether their items overlap.
        assert readonly or len(set(places)) == len(places), (shape, strides, offset)
        theirs = described(answers(ndarray(testbuffer, shape, strides, offset, readonly)))
        assert not differences(described(ours), theirs), (shape, strides, offset)
    assert granted > LAYOUTS / 5


@pytest.mark.parametrize("ndim", CLASSES)
def test_numpy_sees_what_as_strided_makes_of_the_same_memory(ndim):
    for shape, strides, offset in random_layouts(ndim, seed=10 + ndim):
        if items_of(shape, strides, offset) is None:
            continue
        array = np.asarray(CLASSES[ndim](CONTENT, *shape, *strides, offset))
        empty = np.empty(shape, np.int32)
        expected = np.ndarray(shape, np.int32, CONTENT, offset, strides) if empty.size else empty
        assert (array.dtype, array.shape) == (expected.dtype, expected.shape)
        assert array.tolist() == expected.tolist()
        if array.size > 1:
            assert [s for s, n in zip(array.strides, shape) if n > 1] == [s for s, n in zip(strides, shape) if n > 1]


def test_items_outside_the_storage_are_refused_with_their_place():
    cases = {
        (5, 24, 4): "the declared items reach from byte 4 to byte 104",
        (-1, 4, 0): "dimension 0 of the shape is negative",
        (2, -4, 0): "the declared items reach from byte -4 to byte 4",
        (1, 4, 97): "the declared offset of 97 bytes is outside the storage, which has 96 bytes",
        (1, 4, -4): "the declared offset of -4 bytes is outside",
        (1, 4, 94): "reach from byte 94 to byte 98",
        (2, 2**63 - 1, 0): "more bytes than memory can have",
        (2**62, 4, 0): "more bytes than memory can have",
    }
    for (extent, stride, offset), text in cases.items():
        m = layouts.Strided1(CONTENT, extent, stride, offset)
        with pytest.raises(BufferError, match=text):
            memoryview(m)
    assert memoryview(layouts.Strided1(CONTENT, 0, 4, 96)).tolist() == []


def test_reversed_columns_and_transposed_views_write_through():
    m = layouts.Strided2(CONTENT, 4, 6, 4, -16, 80)
    array = np.asarray(m)
    assert array.tolist() == np.flip(VALUES.reshape(6, 4), 0).T.tolist()
    array[1, 0] = 99
    assert memoryview(m)[1, 0] == 99


@pytest.mark.parametrize("strides", [(0, 4), (4, 0), (4, 4), (8, 4)], ids=str)
def test_overlapping_items_are_read_only(strides):
    m = layouts.Strided2(CONTENT, 3, 3, *strides, 0)
    array = np.asarray(m)
    assert not array.flags.writeable
    with pytest.raises(BufferError, match="read-only"):
        View(m, FULL)
    # The view counts as read-only, so Rust may read at the same time.
    assert m.sum() == VALUES.sum()
    with pytest.raises(BufferError, match="cannot resize: 1 read-only view is alive"):
        m.replace(b"")
    assert array.tolist() == np.lib.stride_tricks.as_strided(VALUES, (3, 3), strides).tolist()


@pytest.mark.parametrize(
    ("shape", "strides", "offset"), [((3, 2), (-8, 12), 16), ((2, 3), (12, 8), 0), ((4, 3), (12, 16), 4)], ids=str
)
def test_items_that_interleave_are_writable(shape, strides, offset):
    m = layouts.Strided2(CONTENT, *shape, *strides, offset)
    array = np.asarray(m)
    assert array.flags.writeable
    places = (offset + np.add.outer(np.arange(shape[0]) * strides[0], np.arange(shape[1]) * strides[1])) // SIZE
    assert array.tolist() == VALUES[places].tolist()
    expected = VALUES.copy()
    for number, index in enumerate(np.ndindex(shape)):
        array[index] = expected[places[index]] = number
    assert array.tolist() == expected[places].tolist()


def test_rust_does_not_read_beside_items_that_can_be_written():
    m = layouts.Strided2(CONTENT, 3, 4, 32, 4, 0)
    array = np.asarray(m)
    assert array.flags.writeable
    with pytest.raises(BufferError, match="cannot read: 1 writable view is alive"):
        m.sum()


def test_a_strided_layout_follows_the_storage():
    m = layouts.Strided2(CONTENT, 3, 2, 32, 8, 4)
    for content in (CONTENT, bytes(100 * SIZE), CONTENT):
        m.replace(content)
        expected = np.frombuffer(content, np.int32)[1:]
        assert np.asarray(m).tolist() == np.lib.stride_tricks.as_strided(expected, (3, 2), (32, 8)).tolist()
    m.replace(CONTENT[:40])
    with pytest.raises(BufferError, match="items reach from byte 4 to byte 80 of a storage that has 40 bytes"):
        memoryview(m)
    m.replace(CONTENT)
    assert memoryview(m).shape == (3, 2)


def test_numbers_from_user_code_are_numbers_from_fields():
    arguments = (CONTENT, 3, 2, -32, 8, 64)
    ours, code = answers(layouts.Strided2(*arguments)), answers(layouts.Strided2ByCode(*arguments))
    assert not differences(described(ours), described(code))


def test_an_offset_alone_leaves_the_rest():
    m = layouts.FromOffset(CONTENT, 4, 32)
    assert np.asarray(m).tolist() == VALUES[8:].reshape(4, 4).tolist()
    assert ask(m, SIMPLE).content == CONTENT[32:]
    assert ask(layouts.FromOffset(CONTENT, 4, 96), STRIDED_RO).shape == (0, 4)
    for columns, offset in [(5, 32), (4, 30), (4, 100)]:
        with pytest.raises(BufferError):
            memoryview(layouts.FromOffset(CONTENT, columns, offset))
