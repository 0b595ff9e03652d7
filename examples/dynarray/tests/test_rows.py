"""Rows with their own allocations, as a buffer with suboffsets."""

import ctypes
import gc
import hashlib
import io
import struct
import weakref

import numpy as np
import pytest
from buffer_tests_ext.edges import differences
from drawn import FORMATS, packed
from dynarray import DynArray, Rows
from hypothesis import given, settings
from hypothesis import strategies as st

POINTER = struct.calcsize("P")
VALUES = [[1, 2, 3, 4], [50, 60, 70, 80], [900, 1000, 1100, 1200]]
CONTENT = [struct.pack("4h", *row) for row in VALUES]


def new():
    return Rows(CONTENT, format="h")


@given(st.sampled_from(FORMATS), st.integers(0, 9), st.integers(0, 9))
@settings(max_examples=settings().max_examples // 10)
def test_every_request_gets_the_reference_answer(testbuffer, format, count, length):
    values, memory = packed(format)
    itemsize = struct.calcsize(format)
    starts = range(0, count * length * itemsize, length * itemsize) if length else [0] * count
    m = Rows([memory[start : start + length * itemsize] for start in starts], format=format)
    # Without rows, the length of a row is 0.
    shape = (count, length if count else 0)
    assert (m.shape, m.nbytes, m.format) == (shape, count * length * itemsize, format)

    # `_testbuffer.ndarray` needs at least one item.
    values = [value[0] if len(value) == 1 else value for value in values[: max(count * length, 1)]]
    flags = testbuffer.ND_PIL | testbuffer.ND_WRITABLE
    reference = testbuffer.ndarray(values, shape=list(shape), format=format, flags=flags)
    assert not differences(m, reference, 0, 0x200)
    with memoryview(m) as view:
        assert not differences(m, reference, 0x200, 0x400)
        assert view.tobytes() == reference.tobytes()
        assert (view.strides, view.suboffsets) == ((POINTER, itemsize), (0, -1))


def test_memoryview_reads_and_slices_the_rows():
    view = memoryview(new())
    assert (view.shape, view.strides, view.suboffsets) == ((3, 4), (POINTER, 2), (0, -1))
    assert (view.nbytes, view.readonly, view.contiguous) == (24, False, False)
    assert view.tolist() == VALUES
    assert view.tobytes() == bytes(view.obj) == b"".join(CONTENT)
    assert [view[row, column] for row in range(3) for column in range(4)] == sum(VALUES, [])
    assert view[1:].tolist() == VALUES[1:]
    assert view[::-2].tolist() == VALUES[::-2]
    assert view[::2].tobytes() == CONTENT[0] + CONTENT[2]
    assert view == memoryview(new())


@pytest.mark.parametrize("order", ["C", "F", "A"])
def test_a_contiguous_copy_agrees_with_the_rows(testbuffer, order):
    expected = np.array(VALUES, np.int16).tobytes("F" if order == "F" else "C")
    # These call PyBuffer_ToContiguous and PyMemoryView_GetContiguous.
    assert memoryview(new()).tobytes(order) == expected
    assert testbuffer.py_buffer_to_contiguous(new(), order, testbuffer.PyBUF_FULL_RO) == expected
    assert testbuffer.get_contiguous(new(), testbuffer.PyBUF_READ, order).tobytes("A") == expected


def test_writing_reaches_the_rows():
    m = new()
    view = memoryview(m)
    view[2, 0] = -7
    view[0, 3] = 5
    assert memoryview(m).tolist() == [[1, 2, 3, 5], VALUES[1], [-7, 1000, 1100, 1200]]


def test_rows_are_copied():
    source = [bytearray(row) for row in CONTENT]
    m = Rows(source, format="h")
    source[0][0] = 99
    source[1].append(0)
    assert memoryview(m).tolist() == VALUES
    memoryview(m)[2, 2] = 0
    assert source[2] == CONTENT[2]


def test_rows_of_every_kind():
    sources = [b"ab", bytearray(b"cd"), memoryview(b"d-c")[::-2], np.array([[1], [2]], np.uint8), DynArray(b"ef")]
    expected = [b"ab", b"cd", b"cd", b"\x01\x02", b"ef"]
    for rows in sources, tuple(sources), iter(sources), (row for row in sources), dict.fromkeys(sources[:1]):
        m = Rows(rows)
        assert [bytes(row) for row in memoryview(m).tolist()] == expected[: m.shape[0]]
    assert memoryview(Rows(np.array([[1, 2], [3, 4]], np.int16), format="h")).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(("rows", "shape"), [([], (0, 0)), ([b""], (1, 0)), ([b"", b""], (2, 0))], ids=str)
def test_nothing(rows, shape):
    m = Rows(rows, format="d")
    assert (m.shape, m.nbytes) == (shape, 0)
    with memoryview(m) as view:
        assert (view.shape, view.tolist(), view.tobytes()) == (shape, [[]] * shape[0], b"")


def test_properties():
    m = new()
    assert (m.format, m.shape, m.nbytes) == ("h", (3, 4), 24)
    assert repr(m) == '<Rows of format "h" and shape (3, 4)>'
    with pytest.raises(AttributeError):
        m.shape = (4, 3)


@pytest.mark.parametrize("consume", [np.asarray, np.array, np.sum, lambda m: np.frombuffer(m, np.int16)])
def test_numpy_refuses_with_a_reason(consume):
    m = new()
    with pytest.raises(BufferError, match="suboffsets"):
        consume(m)
    assert np.array(memoryview(m).tolist()).tolist() == VALUES


@pytest.mark.parametrize("consume", [hashlib.sha256, io.BytesIO().write, (ctypes.c_int16 * 12).from_buffer])
def test_consumers_of_one_piece_are_told_what_to_do(consume):
    m = new()
    with pytest.raises((BufferError, TypeError)) as refusal:
        consume(m)
    if refusal.type is BufferError:
        assert "copy it first, for example with memoryview(...).tobytes()" in str(refusal.value)
    assert hashlib.sha256(memoryview(m).tobytes()).digest() == hashlib.sha256(b"".join(CONTENT)).digest()


def test_a_view_keeps_the_rows():
    m = new()
    dead = weakref.ref(m)
    view = memoryview(m)[1:]
    del m
    gc.collect()
    assert view.tolist() == VALUES[1:]
    view.release()
    del view
    gc.collect()
    assert dead() is None
