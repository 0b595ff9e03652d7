"""Formats of scalars: every consumer reads them, and they have the size of the item."""

import array
import ctypes
import math
import struct

import numpy as np
import pytest
from buffer_tests_ext import layouts
from exporters import KINDS, each_kind
from pybuffer import FULL_RO, ask

# By element, the code of the C type of this kind and size. A `long` has 32 or 64 bits.
LONG = {8: ("l", "L"), 4: ("q", "Q")}[ctypes.sizeof(ctypes.c_long)]
SIZE = {8: LONG, 4: ("i", "I")}[ctypes.sizeof(ctypes.c_ssize_t)]
CODES = {
    "i8": "b",
    "u8": "B",
    "i16": "h",
    "u16": "H",
    "i32": "i",
    "u32": "I",
    "i64": LONG[0],
    "u64": LONG[1],
    "isize": SIZE[0],
    "usize": SIZE[1],
    "f32": "f",
    "f64": "d",
}


def extremes(dtype):
    """Values that reveal a wrong sign or size, in native representation."""
    if dtype.kind == "f":
        info = np.finfo(dtype)
        values = [0.0, -0.0, 1.5, -1.0, info.max, info.min, info.tiny, info.eps, math.inf, -math.inf]
    else:
        info = np.iinfo(dtype)
        values = [0, 1, info.max, info.max - 1, info.min, info.max // 2 + 1, info.max // 3]
    return np.array(values, dtype)


def test_there_is_a_class_of_every_storage_layout_and_element():
    assert len(KINDS) == len(set(KINDS)) == 6 * 6 * len(CODES)
    assert {kind.element for kind in KINDS} == set(CODES)


@each_kind()
def test_the_format_is_a_bare_code_whose_size_is_the_itemsize(kind):
    answer = ask(kind.make(), FULL_RO)
    assert answer.format.decode() == CODES[kind.element]
    assert answer.itemsize == struct.calcsize(answer.format) == kind.dtype.itemsize
    assert answer.len == answer.itemsize * math.prod(answer.shape)


@each_kind()
def test_numpy_reads_the_format_without_a_warning(kind):
    # A warning would fail the test: `conftest.py` turns warnings into errors.
    a = np.asarray(kind.make())
    assert a.dtype == kind.dtype
    assert a.dtype.isnative
    assert a.dtype.char == CODES[kind.element]


@each_kind(storage="vec", layout=["natural", "readonly"])
def test_every_value_arrives_unchanged(kind):
    values = extremes(kind.dtype)
    m = kind.make(content=values.tobytes())
    code = CODES[kind.element]
    assert memoryview(m).tolist() == values.tolist()
    assert list(struct.unpack(f"{len(values)}{code}", m)) == values.tolist()
    assert array.array(code, bytes(m)).tolist() == values.tolist()
    assert bytes(m) == np.asarray(m).tobytes() == values.tobytes()


@each_kind(storage=["vec", "boxed", "vec_of_tables"], layout=["natural", "c2", "f3"])
def test_memoryview_reads_and_writes_single_items(kind):
    values = extremes(kind.dtype)
    m = kind.make()
    with memoryview(m) as view:
        for value in values.tolist():
            for index in np.ndindex(*view.shape):
                view[index] = value
                assert view[index] == value
        last = tuple(extent - 1 for extent in view.shape)
    assert np.asarray(m)[last] == values[-1]
    assert np.asarray(m).tobytes() == bytes(m) == values[-1:].tobytes() * 24


@pytest.mark.parametrize("bits", [0x7FC0_0000, 0x7FC1_2345, 0xFFC0_0001, 0x7F80_0001])
def test_the_bits_of_a_nan_are_kept(bits):
    content = struct.pack("I", bits) * 4
    m = layouts.TupleStruct(content)
    assert bytes(m) == content
    assert np.asarray(m).view(np.uint32).tolist() == [bits] * 4


@each_kind(storage="vec", layout="natural", element=["i8", "u8", "i32", "usize"])
def test_memoryview_refuses_a_value_that_the_item_cannot_hold(kind):
    m = kind.make()
    before = bytes(m)
    info = np.iinfo(kind.dtype)
    with memoryview(m) as view:
        for value in int(info.max) + 1, int(info.min) - 1:
            with pytest.raises(ValueError):
                view[0] = value
        with pytest.raises(TypeError):
            view[0] = 1.5
    assert bytes(m) == before


@each_kind(layout="natural", element=["f32", "i16"])
def test_nested_arrays_are_dimensions_of_their_scalar(kind):
    answer = ask(kind.make(), FULL_RO)
    assert answer.format.decode() == CODES[kind.element]
    assert answer.itemsize == kind.dtype.itemsize
    assert answer.shape == kind.shape()
