"""Records: numpy reads the dtypes that a user would write by hand, and each side reads what the other writes."""

import ctypes
import io
import struct
import warnings

import numpy as np
import pytest
from buffer_tests_ext import layouts
from pybuffer import FULL, FULL_RO, ask

VECTOR = np.dtype([("x", "f4"), ("y", "f4")])
PACKED = np.dtype([("kind", "u1"), ("charge", "f8"), ("port", ">u2"), ("at", VECTOR)])
NAMED = np.dtype([("id", "u4"), ("kind", "u1"), ("_pad", "u1", 3)], align=True)
NESTED = np.dtype(
    [
        ("time", "f8"),
        ("origin", VECTOR),
        ("corners", VECTOR, (3, 2)),
        ("cells", "i2", (2, 3)),
        ("packed", PACKED),
        ("rest", "u1", 9),
    ]
)
SIZE = f"i{ctypes.sizeof(ctypes.c_ssize_t)}"
EVERY_SCALAR = np.dtype(
    [
        ("i64", "i8"),
        ("u64", "u8"),
        ("isize", SIZE),
        ("usize", SIZE.replace("i", "u")),
        ("f64", "f8"),
        ("be_f64", ">f8"),
        ("complex128", "c16"),
        ("complex64", "c8"),
        ("i32", "i4"),
        ("u32", "u4"),
        ("f32", "f4"),
        ("be_i32", ">i4"),
        ("le_u32", "<u4"),
        ("be_complex64", ">c8"),
        ("parts", "<f4", 2),
        ("i16", "i2"),
        ("u16", "u2"),
        ("f16", "f2"),
        ("be_f16", ">f2"),
        ("be_u16", ">u2", 2),
        ("i8", "i1"),
        ("u8", "u1"),
        ("be_i8", "i1"),
        ("bytes", "S3"),
        ("names", "S2", 5),
    ]
)
LENGTH_NAMES = [
    f"the_{which}_of_several_fields_that_have_names_of_some_length" for which in ("first", "second", "third", "last")
]

# The example values, as numpy shows them.
CORNERS = [[(float(x), 0.5), (0.5, float(x))] for x in (1, 2, 3)]
PACKED_EXAMPLE = (7, 1.5, 443, (2.5, -2.5))
NESTED_EXAMPLE = (0.25, (1.0, 2.0), CORNERS, [[1, 2, 3], [-4, -5, -6]], PACKED_EXAMPLE, [1, 2, 3, 4, 5, 6, 7, 8, 9])
LEAST_SIZE, GREATEST_SIZE = np.iinfo(SIZE).min, np.iinfo(SIZE.replace("i", "u")).max
EVERY_SCALAR_EXAMPLE = (
    *(-(2**63), 2**64 - 1, LEAST_SIZE, GREATEST_SIZE, 0.125, -0.125, 1.5 - 1.5j, 2.5 - 2.5j),
    *(-(2**31), 2**32 - 1, 0.5, -3, 4, 3.5 - 3.5j, [4.5, -4.5]),
    *(-(2**15), 2**16 - 1, 5.5, -5.5, [1, 0x0203], -128, 255, -5, b"abc", [b"de", b"f", b"gh", b"ij", b"kl"]),
)

# By class: the format, the dtype, and the example value.
RECORDS = {
    "Nameds": ("T{=I:id:=B:kind:(3)=B:_pad:}", NAMED, (7, 8, [1, 2, 3])),
    "Unnameds": (
        "T{=I:id:4x=B:type:3x}",
        np.dtype({"names": ["id", "type"], "formats": ["u4", "u1"], "offsets": [0, 8], "itemsize": 12}),
        (7, 8),
    ),
    "Nesteds": (
        "T{=d:time:T{=f:x:=f:y:}:origin:(3,2)T{=f:x:=f:y:}:corners:(2,3)=h:cells:"
        "T{=B:kind:=d:charge:>H:port:T{=f:x:=f:y:}:at:}:packed:(9)=B:rest:}",
        NESTED,
        NESTED_EXAMPLE,
    ),
    "Packeds": ("T{=B:kind:=d:charge:>H:port:T{=f:x:=f:y:}:at:}", PACKED, PACKED_EXAMPLE),
    "PackedsByTwo": ("T{=H:kind:=d:charge:}", np.dtype([("kind", "u2"), ("charge", "f8")]), (7, 1.5)),
    "EveryScalars": (None, EVERY_SCALAR, EVERY_SCALAR_EXAMPLE),
    "WithBools": (
        "T{=f:charge:=?:alive:(3)=?:flags:}",
        np.dtype([("charge", "f4"), ("alive", "?"), ("flags", "?", 3)], align=True),
        (1.5, True, [False, True, True]),
    ),
    "Tuples": (
        "T{=f:f0:=I:second:(4)=B:f2:}",
        np.dtype([("f0", "f4"), ("second", "u4"), ("f2", "u1", 4)], align=True),
        (1.5, 2, [3, 4, 5, 6]),
    ),
    "Lengths": ("f", np.dtype("f4"), 1.5),
    "Durations": ("d", np.dtype("f8"), 2.5),
    "Positions": ("f", np.dtype("f4"), [1.5, 2.5, 3.5]),
    "Origins": ("T{=f:x:=f:y:}", VECTOR, (1.5, 2.5)),
    "Singles": ("T{=f:value:}", np.dtype([("value", "f4")]), (1.5,)),
    "Pairs": ("T{=f:first:(2)=H:second:}", np.dtype([("first", "f4"), ("second", "u2", 2)], align=True), (1.5, [2, 3])),
    "PairsOfPairs": (
        "T{T{=f:first:(2)=H:second:}:first:(2)T{=f:x:=f:y:}:second:}",
        np.dtype([("first", [("first", "f4"), ("second", "u2", 2)]), ("second", VECTOR, 2)]),
        ((1.5, [2, 3]), [(4.0, 0.5), (0.5, 4.0)]),
    ),
    "Rows": ("T{(6)=H:values:=I:count:}", np.dtype([("values", "u2", 6), ("count", "u4")]), ([1, 2, 3, 4, 5, 6], 6)),
    "Tables": ("T{=I:id:=B:kind:(3)=B:_pad:}", NAMED, [[(7, 8, [1, 2, 3])] * 2] * 3),
    "NamesOfAllSorts": (
        'T{=f:größe:=f:in a box {f} = "q":=f:type:}',
        np.dtype([("größe", "f4"), ('in a box {f} = "q"', "f4"), ("type", "f4")]),
        (1.5, 2.5, 3.5),
    ),
    "Longs": (
        None,
        np.dtype(
            [
                (LENGTH_NAMES[0], NESTED, (2, 2)),
                (LENGTH_NAMES[1], NESTED, 3),
                (LENGTH_NAMES[2], EVERY_SCALAR),
                ("_pad", "u1", 8),
                (LENGTH_NAMES[3], EVERY_SCALAR),
                ("_rest", "u1", 8),
            ]
        ),
        (
            *([[NESTED_EXAMPLE] * 2] * 2, [NESTED_EXAMPLE] * 3, EVERY_SCALAR_EXAMPLE, [1, 2, 3, 4, 5, 6, 7, 8]),
            *(EVERY_SCALAR_EXAMPLE, [8, 7, 6, 5, 4, 3, 2, 1]),
        ),
    ),
}
INNER = {"Positions": (3,), "Tables": (3, 2)}

each_record = pytest.mark.parametrize("name", RECORDS)
each_writable = pytest.mark.parametrize("name", [name for name in RECORDS if name != "WithBools"])
each_with_fields = pytest.mark.parametrize(
    "name", [name for name, (_, dtype, _) in RECORDS.items() if dtype.names and name != "WithBools"]
)


def make(name, count=3):
    return getattr(layouts, name)(count)


def plain(value):
    """A numpy value, converted to Python's own types."""
    if isinstance(value, np.void) or isinstance(value, tuple):
        return tuple(plain(part) for part in (value if isinstance(value, tuple) else value.item()))
    if isinstance(value, np.ndarray):
        return [plain(part) for part in value]
    return value.item() if isinstance(value, np.generic) else value


def layout(dtype):
    """Everything in a dtype about its fields, except the `align` flag, which no buffer carries."""
    if dtype.subdtype:
        base, shape = dtype.subdtype
        return layout(base), shape
    if dtype.names is None:
        return dtype.str
    fields = [(name, dtype.fields[name][1], layout(dtype.fields[name][0])) for name in dtype.names]
    return dtype.itemsize, fields


@each_record
def test_numpy_reads_the_dtype_written_by_hand(name):
    # A warning would fail the test: `conftest.py` turns warnings into errors.
    _, dtype, _ = RECORDS[name]
    a = np.asarray(make(name))
    assert a.dtype == dtype
    assert layout(a.dtype) == layout(dtype)
    assert a.dtype.itemsize == dtype.itemsize == memoryview(make(name)).itemsize
    assert a.shape == (3, *INNER.get(name, ()))


@each_record
def test_the_format_is_the_record_in_standard_sizes(name):
    format, dtype, _ = RECORDS[name]
    answer = ask(make(name), FULL_RO)
    if format is not None:
        assert answer.format.decode() == format
    assert answer.itemsize == dtype.itemsize
    assert answer.shape == (3, *INNER.get(name, ()))
    assert answer.len == answer.itemsize * np.prod(answer.shape)


@each_record
def test_numpy_itself_describes_the_dtype_so_that_it_reads_the_same(name):
    # numpy exports the same dtype here, and reads it through the same code.
    ours = np.asarray(make(name))
    theirs = np.asarray(memoryview(np.zeros(3, RECORDS[name][1])))
    assert layout(ours.dtype) == layout(theirs.dtype)


@each_record
def test_numpy_reads_what_rust_wrote(name):
    _, _, example = RECORDS[name]
    a = np.asarray(make(name))
    assert plain(a[0]) == example
    assert not bytes(a[1].tobytes()).strip(b"\0")


@each_record
def test_numpy_sees_what_rust_writes_meanwhile(name):
    _, _, example = RECORDS[name]
    m = make(name)
    a = np.asarray(m)
    assert not m.same(0, 2)
    m.copy(0, 2)
    assert m.same(0, 2)
    assert plain(a[2]) == example


@each_writable
def test_rust_reads_what_numpy_wrote(name):
    _, dtype, example = RECORDS[name]
    m = make(name)
    a = np.asarray(m)
    a[1] = np.array(example, dtype) if dtype.names is None else example
    if name != "Unnameds":
        # numpy does not write padding, so the padding of `Unnameds` differs from the example's.
        assert m.same(0, 1)
    assert plain(a[1]) == example


@each_with_fields
def test_rust_reads_the_fields_that_numpy_writes_one_by_one(name):
    m = make(name)
    a = np.asarray(m)
    for field in a.dtype.names:
        a[field][1] = a[field][0]
    if name != "Unnameds":
        assert m.same(0, 1)


def test_padding_is_there_without_a_name():
    m = make("Unnameds", 1)
    a = np.asarray(m)
    assert a.dtype.names == ("id", "type")
    assert bytes(m) == struct.pack("=I2HB3B", 7, 1, 2, 8, 3, 4, 5)
    a[0] = (9, 10)
    assert bytes(m) == struct.pack("=I2HB3B", 9, 1, 2, 10, 3, 4, 5)


def test_a_record_of_five_used_bytes_has_eight():
    m = make("Nameds", 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        a = np.asarray(m)
    assert (a.dtype.itemsize, a.strides, memoryview(m).nbytes) == (8, (8,), 16)
    # A buffer does not carry the `align` flag, and dtypes with and without it are equal.
    assert a.dtype == NAMED and NAMED.isalignedstruct and not a.dtype.isalignedstruct


def test_packed_fields_are_unaligned():
    m = make("Packeds", 3)
    a = np.asarray(m)
    assert [a.dtype.fields[name][1] for name in a.dtype.names] == [0, 1, 9, 11]
    assert a.strides == (19,)
    a["charge"] += 1
    assert a["charge"].tolist() == [2.5, 1, 1]
    assert bytes(m)[1:9] == struct.pack("=d", 2.5)


def test_big_endian_fields_are_numbers_to_both_sides():
    m = make("Packeds", 2)
    a = np.asarray(m)
    assert bytes(m)[9:11] == b"\x01\xbb"
    a["port"][1] = 443
    a[1]["kind"], a[1]["charge"] = 7, 1.5
    a["at"][1] = (2.5, -2.5)
    assert m.same(0, 1)


def test_fields_of_nested_records_are_views_of_the_memory():
    m = make("Nesteds", 2)
    a = np.asarray(m)
    a["corners"]["x"][0, 2, 1] = 99
    a["packed"]["at"]["y"] = -7
    assert plain(a[0])[2][2][1] == (99, 3)
    assert plain(a[0])[4][3] == (2.5, -7)
    assert np.shares_memory(a["packed"]["at"]["y"], a)
    assert np.asarray(m)["corners"][0, 2, 1]["x"] == 99


def test_a_record_with_a_bool_is_read_only():
    m = make("WithBools", 2)
    assert ask(m, FULL) is None
    a = np.asarray(m)
    assert not a.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        a["alive"][0] = False
    assert memoryview(m).readonly
    m.copy(0, 1)
    assert a["flags"].tolist() == [[False, True, True]] * 2


@each_record
def test_memoryview_shows_the_bytes_and_takes_none_apart(name):
    _, dtype, _ = RECORDS[name]
    m = make(name)
    with memoryview(m) as view:
        assert view.tobytes() == bytes(m) == view.cast("B").tobytes()
        assert len(view) == 3
        if dtype.names:
            with pytest.raises(NotImplementedError):
                view[(0,) * view.ndim]
    assert m.views() == 0


@each_record
def test_save_and_load(name):
    file = io.BytesIO()
    np.save(file, make(name))
    file.seek(0)
    loaded = np.load(file)
    assert loaded.dtype == RECORDS[name][1]
    # Compare values, not bytes: numpy does not save fields without a name.
    assert plain(loaded) == plain(np.asarray(make(name)))


def test_recarray_and_sort_work_in_place():
    m = make("Tuples", 4)
    a = np.asarray(m)
    a["second"] = [4, 1, 3, 2]
    a.sort(order="second")
    assert np.asarray(m)["second"].tolist() == [1, 2, 3, 4]
    assert np.asarray(m).view(np.recarray).second.tolist() == [1, 2, 3, 4]


def test_from_buffer_gives_ctypes_the_same_record():
    class Named(ctypes.Structure):
        _fields_ = [("id", ctypes.c_uint32), ("kind", ctypes.c_uint8), ("_pad", ctypes.c_uint8 * 3)]

    m = make("Nameds", 2)
    named = (Named * 2).from_buffer(m)
    assert (named[0].id, named[0].kind, list(named[0]._pad)) == (7, 8, [1, 2, 3])
    named[1] = named[0]
    assert m.same(0, 1)
    del named


def test_no_records_are_no_items():
    m = make("Nesteds", 0)
    a = np.asarray(m)
    assert (a.shape, a.dtype) == ((0,), NESTED)
    assert memoryview(m).nbytes == 0
