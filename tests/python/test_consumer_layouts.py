"""Rust as a consumer of every layout: it reads the same items in the same order as numpy and CPython."""

import itertools
import random

import numpy as np
import pytest
from buffer_tests_ext import consumer, layouts

ELEMENTS = {"u8": "B", "i16": "h", "i32": "i", "f32": "f", "i64": "l", "f64": "d"}
ROUNDS = 120


def flat(nested):
    return [item for row in nested for item in flat(row)] if isinstance(nested, list) else [nested]


def read(element, exporter):
    return list(consumer.read(element, exporter))


def random_shape(chance, ndim, most=5):
    return [chance.choice([0] + [1, 2, 3, most] * 4) for _ in range(ndim)]


def random_slices(chance, shape):
    """Slices with steps of either sign. They may select nothing in a dimension."""

    def one(extent):
        start, stop = chance.randint(-extent, extent), chance.choice([None, chance.randint(-extent, extent)])
        return slice(chance.choice([None, start]), stop, chance.choice([1, 1, -1, 2, -2, 3]))

    return tuple(map(one, shape))


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("seed", range(3))
def test_slices_of_numpy_arrays_are_read_as_numpy_reads_them(element, seed):
    chance = random.Random(f"{element}{seed}")
    for _ in range(ROUNDS):
        shape = random_shape(chance, chance.randint(0, 5))
        whole = np.arange(np.prod(shape, dtype=int)).astype(ELEMENTS[element]).reshape(shape)
        array = whole[random_slices(chance, shape)].transpose(chance.sample(range(len(shape)), len(shape)))
        assert read(element, array) == array.ravel().tolist()
        described = consumer.describe(element, array)
        assert tuple(described["shape"]) == array.shape
        assert described["len"] == array.size
        assert described["is_empty"] == (array.size == 0)
        assert described["c_contiguous"] == described["shared"] == array.flags.c_contiguous
        assert described["f_contiguous"] == array.flags.f_contiguous
        # numpy normalises the strides of contiguous arrays before it exports them.
        assert tuple(described["strides"]) == memoryview(array).strides
        in_memory = array.ravel("K").tolist() if array.flags.c_contiguous or array.flags.f_contiguous else None
        found = consumer.in_memory_order(element, array)
        assert (found if found is None else list(found)) == in_memory


@pytest.mark.parametrize("strides", [(0,), (0, 8), (8, 0), (0, 0), (8, 8), (-8, 8), (16, -8), (-8, 0, 8)], ids=str)
def test_items_that_repeat_are_read(strides):
    memory = np.arange(40.0)[20:]
    array = np.lib.stride_tricks.as_strided(memory, (3,) * len(strides), strides)
    assert read("f64", array) == array.ravel().tolist()
    broadcast = np.broadcast_to(np.float64(5), (4, 1, 3))
    assert read("f64", broadcast) == [5.0] * 12


def test_a_repeated_item_is_summed_without_room_for_all():
    huge = np.broadcast_to(np.uint8(1), (2**60,))
    assert consumer.describe("u8", huge)["len"] == 2**60
    with pytest.raises(MemoryError, match="no memory for a copy of the 1152921504606846976 items"):
        consumer.copied("u8", huge)
    assert consumer.sum("u8", np.broadcast_to(np.uint8(1), (2**22,)), "chunks") == 2**22


@pytest.mark.parametrize("ndim", [0, 1, 32, 64])
def test_up_to_64_dimensions_are_read(ndim):
    liar = consumer.Liar()
    liar.ndim, liar.shape = ndim, [1] * (ndim - 1) + [4] * (ndim > 0)
    liar.len, liar.strides = 32 if ndim else 8, None
    assert read("f64", liar) == ([1, 2, 3, 4] if ndim else [1])
    assert consumer.describe("f64", liar)["ndim"] == ndim
    if ndim == 64:
        liar.shape = [1, 2] * 32
        liar.len = 8 * 2**32
        liar.strides = [0] * 64
        assert consumer.get("f64", liar, [0, 1] * 32) == 1.0
        liar.shape, liar.strides = [1] * 62 + [2, 2], [0] * 62 + [8, 16]
        liar.len = 32
        assert read("f64", liar) == [1, 3, 2, 4]


# CPython's own exporter.


@pytest.mark.parametrize("element", ["i32", "f64", "u8"])
@pytest.mark.parametrize("flags", ["", "ND_FORTRAN", "ND_PIL"])
def test_layouts_of_the_reference_exporter_are_read_as_it_lists_them(testbuffer, element, flags):
    chance = random.Random(element + flags)
    indirect = 0
    for _ in range(ROUNDS):
        shape = [chance.randint(1, 5) for _ in range(chance.randint(1, 4))]
        count = int(np.prod(shape))
        items = [chance.randint(0, 100) for _ in range(count)]
        flag = getattr(testbuffer, flags) if flags else 0
        whole = testbuffer.ndarray(items, shape=shape, format=ELEMENTS[element], flags=flag | testbuffer.ND_WRITABLE)
        assert read(element, whole) == flat(whole.tolist())
        # A slice of the array, through an exporter that re-exports the buffer that it views.
        slices = random_slices(chance, shape)
        try:
            part = testbuffer.ndarray(whole, getbuf=testbuffer.PyBUF_FULL)[slices]
        except ValueError:
            continue
        listed = flat(part.tolist())
        assert read(element, part) == listed
        described = consumer.describe(element, part)
        assert (tuple(described["shape"]), described["ndim"]) == (part.shape, part.ndim)
        assert tuple(described["strides"]) == part.strides
        if part.suboffsets and listed:
            indirect += 1
            assert not (described["c_contiguous"] or described["f_contiguous"] or described["in_memory_order"])
        index = [chance.randrange(extent) if extent else 0 for extent in part.shape]
        expected = part.tolist()
        for place in index if listed else ():
            expected = expected[place]
        assert consumer.get(element, part, index) == (expected if listed else None)
    assert indirect > (ROUNDS / 4 if flags == "ND_PIL" else -1)


def test_rows_behind_pointers_are_written_through(testbuffer):
    whole = testbuffer.ndarray(
        list(range(12)), shape=[4, 3], format="i", flags=testbuffer.ND_PIL | testbuffer.ND_WRITABLE
    )
    assert list(consumer.copy_from("i32", whole, range(100, 112))) == list(range(100, 112))
    assert flat(whole.tolist()) == list(range(100, 112))
    assert consumer.set("i32", whole, [2, 1], -1)[7] == -1
    assert whole.tolist()[2] == [106, -1, 108]
    view = testbuffer.ndarray(whole, getbuf=testbuffer.PyBUF_FULL)[::-2, ::2]
    consumer.fill("i32", view, 0)
    assert whole.tolist() == [[100, 101, 102], [0, 104, 0], [106, -1, 108], [0, 110, 0]]


@pytest.mark.parametrize("shape", [(2, 3), (1, 5), (4, 0), (0, 0)], ids=str)
def test_our_own_rows_are_read(shape):
    values = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    m = layouts.Rows16([row.tobytes() for row in values])
    assert read("u16", m) == values.ravel().tolist()
    assert (consumer.describe("u16", m)["shape"], m.views()) == (list(shape), 0)


def test_every_index_leads_to_the_item_that_iteration_finds(testbuffer):
    whole = testbuffer.ndarray(list(range(24)), shape=[2, 3, 4], format="i", flags=testbuffer.ND_PIL)
    items = read("i32", whole)
    for place, index in enumerate(itertools.product(range(2), range(3), range(4))):
        assert consumer.get("i32", whole, list(index)) == items[place] == place
