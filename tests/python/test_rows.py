"""Rows that are allocated one by one: exported with suboffsets, as by the reference exporter."""

import ctypes
import gc
import hashlib
import io
import struct

import numpy as np
import pytest
from buffer_tests_ext import layouts
from pybuffer import FULL, FULL_RO, INDIRECT, RECORDS, SIMPLE, STRIDES, View, ask
from test_requests import answers, described, differences

VALUES = [[1, 2, 3], [40, 50, 60]]
CONTENT = [struct.pack("3H", *row) for row in VALUES]

buffer_to_contiguous = ctypes.pythonapi.PyBuffer_ToContiguous
buffer_to_contiguous.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_char]


def ndarray(testbuffer, rows, format, readonly=False):
    shape = [len(rows), len(rows[0])]
    flags = testbuffer.ND_PIL | (0 if readonly else testbuffer.ND_WRITABLE)
    return testbuffer.ndarray([item for row in rows for item in row], shape=shape, format=format, flags=flags)


def the_same(ours, theirs):
    # The memory is not contiguous, so these answers have no content to compare.
    assert not differences(described(answers(ours)), described(answers(theirs)))


def test_every_request_gets_the_reference_answer(testbuffer):
    the_same(layouts.Rows16(CONTENT), ndarray(testbuffer, VALUES, "H"))


@pytest.mark.parametrize("readonly", [False, True])
@pytest.mark.parametrize("format", ["H", "B", ">H"])
def test_formats_and_readonly_at_run_time_get_the_reference_answer(testbuffer, format, readonly):
    size = struct.calcsize(format)
    rows = [list(struct.unpack(f"{format[:-1]}{6 // size}{format[-1]}", row)) for row in CONTENT]
    the_same(layouts.FormattedRows(CONTENT, format, readonly), ndarray(testbuffer, rows, format, readonly))


def test_memoryview_reads_slices_and_writes_the_rows():
    m = layouts.Rows16(CONTENT)
    view = memoryview(m)
    pointer = struct.calcsize("P")
    assert (view.shape, view.strides, view.suboffsets) == ((2, 3), (pointer, 2), (0, -1))
    assert not view.contiguous
    assert view.tolist() == VALUES
    assert view[::-1].tolist() == VALUES[::-1]
    assert view.tobytes() == b"".join(CONTENT) == bytes(m)
    assert view.tobytes("F") == struct.pack("6H", 1, 40, 2, 50, 3, 60)
    assert (view[1, 2], view == memoryview(layouts.Rows16(CONTENT))) == (60, True)
    view[1, 2] = 61
    assert memoryview(m).tolist()[1] == [40, 50, 61]


@pytest.mark.parametrize("order", [b"C", b"F", b"A"])
def test_py_buffer_to_contiguous_agrees_with_the_rows(order):
    m = layouts.Rows16(CONTENT)
    with View(m, FULL_RO) as view:
        copy = (ctypes.c_uint16 * 6)()
        assert buffer_to_contiguous(ctypes.byref(copy), ctypes.byref(view._buffer), 12, order) == 0
    assert list(copy) == ([1, 40, 2, 50, 3, 60] if order == b"F" else [1, 2, 3, 40, 50, 60])


def test_consumers_of_one_piece_are_refused_with_a_way_out():
    m = layouts.Rows16(CONTENT)
    for consume in (hashlib.sha256, io.BytesIO().write, bytearray(12).__iadd__, (ctypes.c_uint16 * 6).from_buffer):
        with pytest.raises((BufferError, TypeError)):
            consume(m)
    for flags in (SIMPLE, STRIDES, RECORDS):
        with pytest.raises(BufferError, match="allocated one by one"):
            View(m, flags)
    assert ask(m, INDIRECT).suboffsets == (0, -1)
    assert hashlib.sha256(memoryview(m).tobytes()).digest() == hashlib.sha256(b"".join(CONTENT)).digest()
    assert m.views() == 0


def test_numpy_refuses_clearly_and_never_follows_the_pointers_as_items():
    m = layouts.Rows16(CONTENT)
    for consume in (np.asarray, np.array, np.sum, lambda m: np.frombuffer(m, np.uint16)):
        with pytest.raises(BufferError, match="suboffsets"):
            consume(m)
    view = memoryview(m)
    for consume in (np.asarray, np.array, np.sum, lambda view: np.asarray(view[1:])):
        with pytest.raises(BufferError, match="suboffsets"):
            consume(view)
    view.release()
    assert np.array(memoryview(m).tolist()).tolist() == VALUES
    assert m.views() == 0


def test_pixels_have_dimensions_of_their_own():
    m = layouts.PixelRows([bytes(range(6)), bytes(range(6, 12))])
    view = memoryview(m)
    assert (view.shape, view.strides[1:], view.suboffsets) == ((2, 2, 3), (3, 1), (0, -1, -1))
    assert view.readonly
    assert view.tolist() == np.arange(12).reshape(2, 2, 3).tolist()


def test_rows_are_locked_while_they_are_viewed():
    m = layouts.Rows16(CONTENT)
    view = memoryview(m)
    for change in (lambda: m.push([7, 8, 9]), lambda: m.swap(0, 1), lambda: m.replace([]), m.close):
        with pytest.raises(BufferError, match="1 writable view is alive"):
            change()
    with pytest.raises(BufferError, match="cannot read"):
        m.sums()
    m.add(1, 1000)
    assert view.tolist() == [[1, 2, 3], [1040, 1050, 1060]]
    part = view[1:]
    view.release()
    with pytest.raises(BufferError):
        m.push([7, 8, 9])
    assert part.tolist() == [[1040, 1050, 1060]]
    part.release()
    m.push([7, 8, 9])
    m.swap(0, 2)
    assert memoryview(m).tolist() == [[7, 8, 9], [1040, 1050, 1060], [1, 2, 3]]
    assert m.sums() == [24, 3150, 6]


def test_the_layout_follows_the_rows():
    m = layouts.Rows16([])
    assert memoryview(m).shape == (0, 0)
    assert memoryview(m).tolist() == []
    for content in (CONTENT, [row[:2] for row in CONTENT], [b"", b""], CONTENT):
        m.replace(content)
        view = memoryview(m)
        assert view.tolist() == [list(struct.unpack(f"{len(row) // 2}H", row)) for row in content]
        view.release()
    with pytest.raises(ValueError, match="the row has 1 elements, but the rows here have 3"):
        m.push([1])
    m.close()
    with pytest.raises(BufferError, match="closed"):
        memoryview(m)


def test_a_row_that_ends_in_half_an_item_is_refused():
    m = layouts.FormattedRows([b"abc", b"def"], "H", False)
    with pytest.raises(BufferError, match="3 bytes are no whole number of items of 2 bytes"):
        memoryview(m)


@pytest.mark.parametrize("format", ["", "0H", "T{}"])
@pytest.mark.parametrize("content", [[], [b"", b""], [b"abc", b"def"]])
def test_items_of_no_bytes_are_refused(content, format):
    with pytest.raises(BufferError, match="an item has 0 bytes, which no buffer can describe"):
        memoryview(layouts.FormattedRows(content, format, False))


def test_a_view_keeps_the_rows():
    view = memoryview(layouts.Rows16(CONTENT))
    gc.collect()
    assert view.tolist() == VALUES
    with pytest.raises(BufferError, match="read-only"):
        View(layouts.FormattedRows(CONTENT, "H", True), FULL)
