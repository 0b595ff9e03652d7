"""Rust as a consumer: which buffers each element type accepts."""

import array
import ctypes
import io
import itertools
import math
import mmap
import pickle
import re
import struct
import sys

import numpy as np
import pytest
from buffer_tests_ext import consumer, layouts
from exporters import DTYPES, each_kind

VALUES = [1.5, -2.0, 3.25]
DOUBLES = struct.pack("3d", *VALUES)


def of_ctypes(values):
    return (ctypes.c_double * len(values))(*values)


def of_mmap(content):
    mapped = mmap.mmap(-1, len(content))
    mapped[:] = content
    return mapped


EXPORTERS = {
    "numpy": lambda: np.array(VALUES),
    "array": lambda: array.array("d", VALUES),
    "ctypes": lambda: of_ctypes(VALUES),
    "bytes, cast": lambda: memoryview(DOUBLES).cast("d"),
    "bytearray, cast": lambda: memoryview(bytearray(DOUBLES)).cast("d"),
    "mmap, cast": lambda: memoryview(of_mmap(DOUBLES)).cast("d"),
    "memoryview of numpy": lambda: memoryview(np.array([0, *VALUES]))[1:],
    "pickle.PickleBuffer": lambda: pickle.PickleBuffer(np.array(VALUES)),
    "BytesIO, cast": lambda: io.BytesIO(DOUBLES).getbuffer().cast("d"),
    "ours": lambda: layouts_of_doubles(),
}
BYTES = {
    "bytes": lambda: b"abc",
    "bytearray": lambda: bytearray(b"abc"),
    "memoryview": lambda: memoryview(b"abc"),
    "mmap": lambda: of_mmap(b"abc"),
    "array": lambda: array.array("B", b"abc"),
    "numpy": lambda: np.frombuffer(b"abc", np.uint8),
    "ctypes chars": lambda: ctypes.create_string_buffer(b"abc", 3),
    "ctypes bytes": lambda: (ctypes.c_ubyte * 3)(*b"abc"),
    "memoryview of chars": lambda: memoryview(b"abc").cast("c"),
    "BytesIO": lambda: io.BytesIO(b"abc").getbuffer(),
}


def layouts_of_doubles():
    (exporter,) = (
        c for storage, layout, element, c in layouts.CLASSES if (storage, layout, element) == ("vec", "natural", "f64")
    )
    return exporter(DOUBLES)


@pytest.mark.parametrize("make", EXPORTERS.values(), ids=EXPORTERS)
def test_doubles_of_every_exporter_are_read(make):
    exporter = make()
    assert consumer.read("f64", exporter) == VALUES
    described = consumer.describe("f64", exporter)
    assert (described["shape"], described["strides"], described["len"], described["ndim"]) == ([3], [8], 3, 1)
    assert described["readonly"] == memoryview(exporter).readonly
    assert consumer.sum("f64", exporter, "detached") == sum(VALUES)


@pytest.mark.parametrize("make", BYTES.values(), ids=BYTES)
def test_bytes_of_every_exporter_are_read(make):
    assert bytes(consumer.read("u8", make())) == b"abc"


@each_kind(layout=["natural", "c2", "f3", "readonly"], storage=["vec", "array"])
def test_each_of_our_classes_is_read_as_what_it_exports(kind):
    m = kind.make()
    flat = np.asarray(m).ravel().tolist()
    assert list(consumer.read(kind.element, m)) == flat
    described = consumer.describe(kind.element, m)
    assert tuple(described["shape"]) == np.asarray(m).shape
    assert described["readonly"] == kind.readonly
    assert m.views() == 0


# Formats.

# The codes of each element: its own, and others for the same bytes.
LITTLE = sys.byteorder == "little"
ORDER, SWAPPED = ("<", ">") if LITTLE else (">", "<")
LONG = ctypes.sizeof(ctypes.c_long)
CODES = {
    "i8": ["b"],
    "u8": ["B", "c"],
    "i16": ["h"],
    "u16": ["H"],
    "i32": ["i"] + ["l"] * (LONG == 4),
    "u32": ["I"] + ["L"] * (LONG == 4),
    "i64": ["q"] + ["l"] * (LONG == 8),
    "u64": ["Q"] + ["L"] * (LONG == 8),
    "isize": ["n"],
    "usize": ["N"],
    "f32": ["f"],
    "f64": ["d"],
}
SIZES = {element: np.dtype(dtype).itemsize for element, dtype in DTYPES.items()}
KINDS = {element: np.dtype(dtype).kind for element, dtype in DTYPES.items()}
STANDARD = {
    "i8": "b",
    "u8": "B",
    "i16": "h",
    "u16": "H",
    "i32": "i",
    "u32": "I",
    "i64": "q",
    "u64": "Q",
    "f32": "f",
    "f64": "d",
}


def lying(format, itemsize, items=1):
    """A buffer of one dimension whose items claim this format."""
    liar = consumer.Liar()
    liar.format = None if format is None else format.encode() if isinstance(format, str) else format
    liar.itemsize, liar.len, liar.shape, liar.strides = itemsize, itemsize * items, [items], [itemsize]
    return liar


def is_read(element, exporter):
    try:
        consumer.read(element, exporter)
    except BufferError as error:
        assert "expected items of format" in str(error), error
        return False
    return True


@pytest.mark.parametrize("element", CODES)
def test_an_element_is_read_from_each_format_of_its_bytes_and_no_other(element):
    for other, codes in CODES.items():
        same = SIZES[other] == SIZES[element] and KINDS[other] == KINDS[element]
        for code in codes:
            for prefix in ("", "@", "^"):
                assert is_read(element, lying(prefix + code, SIZES[other])) == same, (element, prefix + code)
    for other, code in STANDARD.items():
        same = SIZES[other] == SIZES[element] and KINDS[other] == KINDS[element]
        for prefix in (ORDER, "=", SWAPPED, ">" if LITTLE else "<"):
            swapped = prefix in "<>!" and prefix != ORDER and SIZES[element] > 1
            assert is_read(element, lying(prefix + code, SIZES[other])) == (same and not swapped), (
                element,
                prefix,
                code,
            )


def test_a_format_of_the_other_byte_order_is_never_native():
    assert not is_read("u32", lying(SWAPPED + "I", 4))
    assert is_read("u32", lying(ORDER + "I", 4))
    assert is_read("u32", lying("!I", 4)) == (not LITTLE)
    assert not is_read("f64", np.zeros(2, SWAPPED + "f8"))
    assert is_read("f64", np.zeros(2, ORDER + "f8"))


@pytest.mark.parametrize(
    "format, size",
    [
        ("?", 1),
        ("e", 2),
        ("Zf", 8),
        ("4s", 4),
        ("2x", 2),
        ("w", 4),
        ("P", 8),
        ("2i", 8),
        ("T{i:a:}", 4),
        ("T{i:a:i:b:}", 8),
    ],
)
def test_other_items_are_of_no_number(format, size):
    for element in ("u8", "i16", "f32", "i32", "u64", "f64", "[i32; 2]"):
        if (element, format) != ("u8", "?") and ("i32" not in element or format not in ("T{i:a:}", "2i")):
            assert not is_read(element, lying(format, size)), (format, element)


def test_truth_values_are_bytes_to_read_and_not_to_write():
    truths = np.array([True, False, True])
    assert list(consumer.read("u8", truths)) == [1, 0, 1]
    with pytest.raises(BufferError, match="expected items of format 'B'"):
        consumer.fill("u8", truths, 2)
    assert not is_read("i8", truths)


def test_a_record_of_one_number_without_gaps_has_its_layout():
    assert is_read("i32", lying("T{i:a:}", 4))
    assert not is_read("i32", lying("T{i:a:4x}", 8))


def test_a_format_of_null_is_bytes():
    liar = lying(None, 1, 3)
    assert len(consumer.read("u8", liar)) == 3
    assert not is_read("i8", liar)


@pytest.mark.parametrize(
    "format, size, text",
    [
        ("y", 1, "unknown code 'y' at byte 0"),
        ("", 0, "expected items of format 'd' (f64), but this buffer has ''"),
        ("d:", 8, "a name that does not end"),
        ("O", 8, "refused code 'O' (a Python object)"),
        ("T{d", 8, "a record that is not closed"),
        (b"\xff\xfe", 8, r"which is not UTF-8"),
        ("999999999999999999999d", 8, "more bytes than memory can have"),
        ("(" * 2000, 8, "a shape that is not a list of numbers"),
        ("T{" * 2000 + "d" + "}" * 2000, 8, "nested more than 64 levels deep"),
    ],
    ids=range(9),
)
def test_an_invalid_format_is_refused_with_the_position(format, size, text):
    liar = lying(format, size)
    with pytest.raises(BufferError, match=re.escape(text)):
        consumer.read("f64", liar)
    assert (liar.alive, liar.granted) == (0, 1)


# Elements that are arrays.


def test_the_last_dimensions_are_those_of_the_element():
    array = np.arange(30, dtype=np.float32).reshape(2, 5, 3)
    assert consumer.read("[f32; 3]", array) == array.reshape(10, 3).tolist()
    assert consumer.describe("[f32; 3]", array)["shape"] == [2, 5]
    assert consumer.describe("[f32; 3]", array)["strides"] == [60, 12]
    assert consumer.read("[f32; 3]", array[::-1, ::2]) == array[::-1, ::2].reshape(6, 3).tolist()
    assert consumer.read("[f32; 3]", array[0, 0]) == [[0.0, 1.0, 2.0]]
    assert consumer.describe("[f32; 3]", array[0, 0])["ndim"] == 0
    assert consumer.get("[f32; 3]", array, [1, 4]) == [27.0, 28.0, 29.0]
    assert consumer.centre(array[0]) == [6.0, 7.0, 8.0]
    tables = np.arange(12, dtype=np.int16).reshape(2, 3, 2)
    assert consumer.read("[[i16; 2]; 3]", tables) == tables.tolist()
    assert consumer.read("[f64; 1]", np.ones((4, 1))[::2]) == [[1.0], [1.0]]
    assert consumer.read("[u8; 4]", np.arange(8, dtype=np.uint8).reshape(2, 4)) == [b"\0\1\2\3", b"\4\5\6\7"]


@pytest.mark.parametrize(
    "shape, text",
    [
        ((6,), r"expected a buffer whose last dimensions are (3,) ([f32; 3]), but this one has the shape (6,)"),
        ((), r"has the shape ()"),
        ((3, 2), r"has the shape (3, 2); reshape it first"),
        ((3, 0), r"has the shape (3, 0)"),
    ],
)
def test_other_last_dimensions_are_refused(shape, text):
    with pytest.raises(BufferError, match=re.escape(text)):
        consumer.read("[f32; 3]", np.zeros(shape, np.float32))


def test_an_element_in_pieces_is_refused():
    for scattered in (
        np.zeros((3, 5), np.float32).T,
        np.zeros((5, 6), np.float32)[:, ::2],
        np.zeros((5, 3), np.float32)[:, ::-1],
    ):
        with pytest.raises(BufferError, match=r"expected each \[f32; 3\] in one piece.*np.array\(x, order='C'\)"):
            consumer.read("[f32; 3]", scattered)
        consumer.read("[f32; 3]", np.array(scattered, order="C"))
    assert consumer.read("[f32; 3]", np.zeros((3, 0), np.float32).T) == []


def test_the_items_themselves_may_be_arrays():
    formats = {
        "[f32; 3]": ["3f", "(3)f", "T{3f:a:}", ORDER + "3f"],
        "[[i16; 2]; 3]": ["(3,2)h"],
        "[u8; 4]": ["4B", "4c", "(4)B"],
        "[f64; 1]": ["(1)d"],
    }
    sizes = {"[f32; 3]": 12, "[[i16; 2]; 3]": 12, "[u8; 4]": 4, "[f64; 1]": 8}
    for element, given in itertools.product(formats, [format for all in formats.values() for format in all]):
        size = next(sizes[e] for e, all in formats.items() if given in all)
        assert is_read(element, lying(given, size, 2)) == (given in formats[element]), (element, given)
    # One dimension is in the item, the other is the buffer's.
    liar = lying("2h", 4, 3)
    assert consumer.describe("[[i16; 2]; 3]", liar)["shape"] == []
    liar = lying("2h", 4, 6)
    liar.ndim, liar.shape, liar.strides = 2, [2, 3], [12, 4]
    assert consumer.describe("[[i16; 2]; 3]", liar)["shape"] == [2]
    assert not is_read("f32", lying("3f", 12)) and not is_read("[f32; 3]", lying("fff", 12))


def test_arrays_of_arrays_of_ctypes_are_read():
    points = (ctypes.c_float * 3 * 2)((1, 2, 3), (4, 5, 6))
    assert consumer.read("[f32; 3]", points) == [[1, 2, 3], [4, 5, 6]]
    assert consumer.describe("f32", points)["shape"] == [2, 3]
    assert consumer.read("f64", ctypes.c_double(7)) == [7.0]
    assert consumer.read("i64" if LONG == 8 else "i32", (ctypes.c_long * 2)(-1, 2)) == [-1, 2]


# As arguments.


def test_views_are_arguments():
    matrix = np.arange(6.0).reshape(2, 3)
    assert consumer.row_means(matrix) == [1.0, 4.0]
    assert consumer.row_means(matrix.T) == [1.5, 2.5, 3.5]
    with pytest.raises(ValueError, match="expected two dimensions"):
        consumer.row_means(matrix[0])
    assert consumer.count() is None and consumer.count(None) is None and consumer.count(b"abc") == 3
    assert consumer.total(matrix) == consumer.total(matrix.astype("f")) == 15.0
    assert consumer.total_detached(matrix.astype("f")) == 15.0
    with pytest.raises(ValueError, match="expected a C-contiguous buffer"):
        consumer.total_detached(matrix.astype("f").T)
    with pytest.raises(TypeError, match="expected items of format 'd'(.|\n)*expected items of format 'f'"):
        consumer.total(b"abc")


def test_an_index_out_of_range_or_of_other_dimensions_is_none():
    matrix = np.arange(6.0).reshape(2, 3)
    assert consumer.get("f64", matrix, [1, 2]) == 5.0
    for index in ([2, 0], [0, 3], [1], [1, 1, 1], [], [2**63, 0], [0, 2**64 - 1]):
        assert consumer.get("f64", matrix, index) is None
    assert consumer.get("f64", np.float64(7), []) == 7.0
    assert consumer.get("f64", np.array(7.0), [0]) is None
    assert consumer.get("f64", np.zeros((0, 3)), [0, 0]) is None


@pytest.mark.parametrize("way", ["chunks", "shared", "detached", "to_vec", "for_each", "iter"])
@pytest.mark.parametrize("element, length", [("u8", 70000), ("i32", 5003), ("f32", 1024), ("f64", 513)])
def test_every_way_to_sum_gives_the_same(way, element, length):
    array = np.arange(length).astype(DTYPES[element])
    assert consumer.sum(element, array, way) == array.sum(dtype=np.float64)
    assert math.isclose(consumer.sum(element, array[1:-1], way), array[1:-1].sum(dtype=np.float64))
