"""Elements other than native integers and floats: byte orders, byte strings, `bool`, half and complex numbers."""

import ctypes
import math
import struct

import numpy as np
import pytest
from buffer_tests_ext import layouts
from pybuffer import FULL, FULL_RO, ask

# For each kind of element: its format, its dtype in numpy, and values as Rust accepts and returns them.
INTEGERS = {"8": "b", "16": "h", "32": "i", "64": "q", "size": {4: "i", 8: "q"}[ctypes.sizeof(ctypes.c_ssize_t)]}
COMPLEX = [(1.5, -2.5), (0.0, -0.0), (math.inf, 1.0)]
HALF = [1.5, -0.0, 65504.0, 2.0**-24, math.inf]


def ordered():
    """The numbers in either byte order. A single byte has no order, and its format is the bare code."""
    for name, order in [("be", ">"), ("le", "<")]:
        for size, signed in INTEGERS.items():
            for prefix, code in [("i", signed), ("u", signed.upper())]:
                format = code if size == "8" else order + code
                bits = 8 * struct.calcsize(f"={code}")
                low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if prefix == "i" else (0, 2**bits - 1)
                yield f"{name}_{prefix}{size}", (format, f"{order}{prefix}{bits // 8}", [0, 1, 2, high, low, high // 3])
        for size, code in [(32, "f"), (64, "d")]:
            info = np.finfo(f"f{size // 8}")
            values = [0.5, -0.0, float(info.max), float(info.tiny), -math.inf]
            yield f"{name}_f{size}", (order + code, f"{order}f{size // 8}", values)


ELEMENTS = dict(ordered())
ELEMENTS.update(
    boolean=("?", "?", [True, False, True]),
    float16=("e", "f2", HALF),
    be_float16=(">e", ">f2", HALF),
    complex64=("Zf", "c8", COMPLEX),
    complex128=("Zd", "c16", COMPLEX),
    be_complex64=(">Zf", ">c8", COMPLEX),
    le_complex128=("<Zd", "<c16", COMPLEX),
    bytes5=("5s", "S5", [b"abcde", b"\0\0\0\0\0", b"ab\0de", b"\xff\xfe\xfd\xfc\xfb"]),
    bytes1=("1s", "S1", [b"a", b"\0"]),
    bytes1000=("1000s", "S1000", [bytes(range(250)) * 4]),
)


def is_known(to, *arguments):
    try:
        to(*arguments)
    except (ValueError, struct.error):
        return False
    return True


# The formats that memoryview and the struct module of this Python read: both read `Zf` and `Zd` since 3.15.
FORMATS = {format for format, _, _ in ELEMENTS.values()}
READ_BY_MEMORYVIEW = {f for f in FORMATS if len(f) <= 2 and is_known(memoryview(bytes(16)).cast, f)}
READ_BY_STRUCT = {f for f in FORMATS if is_known(struct.calcsize, f)}


class Kind:
    """A class of `layouts.ELEMENTS`, and its expected buffer."""

    def __init__(self, name, kind, exporter):
        self.name, self.kind, self.exporter = name, kind, exporter
        self.format, dtype, self.values = ELEMENTS[name]
        self.dtype = np.dtype(dtype)
        self.writable = not kind.startswith("readonly")
        self.inner = (3,) if kind.endswith("triples") else ()

    def make(self):
        return self.exporter(self.values)

    def scalars(self):
        """Every scalar in the buffer, as a Python value."""
        return [python(value) for value in self.values for _ in range(math.prod(self.inner))]

    def array(self):
        """The array that numpy must see."""
        return np.array(self.scalars(), self.dtype).reshape(-1, *self.inner)


KINDS = [Kind(*entry) for entry in layouts.ELEMENTS]


def each_kind(wanted=lambda kind: True):
    """Runs a test for each of these kinds."""
    kinds = list(filter(wanted, KINDS))
    return pytest.mark.parametrize("kind", kinds, ids=[f"{kind.name}-{kind.kind}" for kind in kinds])


def the_kind(name, kind):
    return next(found for found in KINDS if (found.name, found.kind) == (name, kind))


def python(value):
    """The Python value for a value from Rust, where a complex number is a tuple of its parts."""
    return complex(*value) if isinstance(value, tuple) else value


def same(a, b):
    """Whether two values are identical: minus zero differs from zero."""
    return a == b and str(a) == str(b)


def test_there_is_a_class_of_every_element():
    assert {kind.name for kind in KINDS} == set(ELEMENTS)
    assert {kind.kind for kind in KINDS} == {"plain", "readonly", "triples", "readonly_triples"}


@each_kind()
def test_the_format_has_the_size_of_the_item(kind):
    answer = ask(kind.make(), FULL_RO)
    assert answer.format.decode() == kind.format
    assert answer.itemsize == kind.dtype.itemsize
    assert answer.shape == (len(kind.values), *kind.inner)
    assert answer.len == kind.dtype.itemsize * math.prod(answer.shape)
    assert answer.readonly == (not kind.writable)


@each_kind()
def test_numpy_reads_the_dtype_and_every_value(kind):
    # A warning would fail the test: `conftest.py` turns warnings into errors.
    a = np.asarray(kind.make())
    assert a.dtype == kind.dtype
    assert a.dtype.isnative == kind.dtype.isnative
    assert a.shape == (len(kind.values), *kind.inner)
    assert a.flags.writeable == kind.writable
    assert a.tobytes() == kind.array().tobytes()
    assert all(same(*values) for values in zip(a.ravel().tolist(), kind.array().ravel().tolist()))


@each_kind(lambda kind: kind.writable)
def test_what_numpy_writes_rust_reads(kind):
    m = kind.make()
    a = np.asarray(m)
    a[:] = kind.array()[::-1]
    assert all(same(m.get(index), value) for index, value in enumerate(reversed(kind.values)))
    a[0] = kind.array()[0]
    assert same(m.get(0), kind.values[0])


@each_kind()
def test_what_rust_writes_everybody_reads(kind):
    m = kind.make()
    a = np.asarray(m)
    for index, value in enumerate(reversed(kind.values)):
        m.set(index, value)
        assert same(m.get(index), value)
    assert a.tobytes() == bytes(m) == kind.array()[::-1].tobytes()


@each_kind(lambda kind: kind.format in READ_BY_STRUCT)
def test_the_struct_module_packs_and_unpacks_the_same_bytes(kind):
    m = kind.make()
    assert struct.calcsize(kind.format) == memoryview(m).itemsize
    assert bytes(m) == b"".join(struct.pack(kind.format, value) for value in kind.scalars())
    assert [value for (value,) in struct.iter_unpack(kind.format, m)] == kind.scalars()


@each_kind(lambda kind: kind.writable and kind.format in READ_BY_STRUCT and not kind.inner)
def test_what_the_struct_module_writes_rust_reads(kind):
    m = kind.make()
    for index, value in enumerate(reversed(kind.values)):
        struct.pack_into(kind.format, m, index * kind.dtype.itemsize, python(value))
        assert same(m.get(index), value)


@each_kind(lambda kind: kind.format in READ_BY_MEMORYVIEW)
def test_memoryview_reads_the_codes_that_it_knows(kind):
    with memoryview(kind.make()) as view:
        assert all(same(*values) for values in zip(np.ravel(view.tolist()).tolist(), kind.scalars()))
        first = (0,) * view.ndim
        assert same(view[first], python(kind.values[0]))


@each_kind(lambda kind: kind.format in READ_BY_MEMORYVIEW and kind.writable)
def test_memoryview_writes_the_codes_that_it_knows(kind):
    m = kind.make()
    with memoryview(m) as view:
        for value in kind.values:
            view[(1, 2) if kind.inner else 1] = python(value)
            assert same(m.get(1), value)


@each_kind(lambda kind: kind.format not in READ_BY_MEMORYVIEW)
def test_memoryview_shows_the_bytes_of_other_codes(kind):
    m = kind.make()
    with memoryview(m) as view:
        assert (view.format, view.itemsize) == (kind.format, kind.dtype.itemsize)
        with pytest.raises(NotImplementedError):
            view.tolist()
        assert view.tobytes() == view.cast("B").tobytes() == kind.array().tobytes()


def test_a_bool_cannot_be_written_through_any_view():
    m = the_kind("boolean", "readonly").make()
    before = bytes(m)
    assert before == b"\1\0\1"
    assert ask(m, FULL) is None
    with pytest.raises(TypeError):
        struct.pack_into("B", m, 0, 2)
    with pytest.raises(ValueError):
        np.asarray(m)[0] = False
    with pytest.raises(ValueError):
        np.asarray(m).setflags(write=True)
    with pytest.raises((TypeError, ValueError)):
        (ctypes.c_uint8 * 3).from_buffer(m)
    assert bytes(m) == before


def test_a_bool_changes_under_a_view_when_rust_changes_it():
    m = the_kind("boolean", "readonly").make()
    a = np.asarray(m)
    assert a.tolist() == [True, False, True]
    m.set(1, True)
    m.set(0, False)
    assert a.tolist() == [False, True, True]
    assert np.count_nonzero(a) == 2


def test_numpy_pads_and_trims_byte_strings():
    m = the_kind("bytes5", "plain").make()
    a = np.asarray(m)
    a[0] = b"xy"
    assert m.get(0) == b"xy\0\0\0"
    assert a[0] == b"xy"
    a[1] = b"longer than it"
    assert m.get(1) == b"longe"
