"""Format strings: sizes agree with the struct module, items and offsets with numpy."""

import array
import ctypes
import math
import re
import struct
import sys

import numpy as np
import pytest
from buffer_tests_ext import formats, layouts
from format_strings import FORMATS, NATIVE_CODES, NUMPY_CODES, PLAIN, PLAIN_CODES, examples, many_examples
from hypothesis import given
from hypothesis import strategies as st
from test_records import RECORDS

try:
    from numpy._core._internal import _dtype_from_pep3118 as numpy_reading
except ImportError:  # numpy 1
    from numpy.core._internal import _dtype_from_pep3118 as numpy_reading


def struct_knows(text):
    try:
        struct.calcsize(text)
    except (struct.error, ValueError):
        return False
    return True


def struct_size(text):
    """What `struct.calcsize` returns in Python 3.15, or None if it refuses."""
    # Older versions have no complex numbers. Two floats have the same size and alignment as one complex number.
    parts = re.sub("([0-9]*)(Zf|Zd|F|D)", lambda code: f"{2 * int(code[1] or 1)}{code[2][-1].lower()}", text)
    try:
        return struct.calcsize(parts)
    except (struct.error, ValueError):
        return None


def reads(text):
    try:
        formats.itemsize(text)
    except ValueError:
        return False
    return True


def read(dtype):
    """A dtype in the form that `formats.tree` returns."""
    base, shape = dtype, ()
    while base.subdtype is not None:
        base, shape = base.base, shape + base.shape
    if base.names is not None:
        fields = [(name, base.fields[name][1], read(base.fields[name][0])) for name in base.names]
        return (shape, ("Record", base.itemsize, fields))
    if base.kind == "V":
        return (shape, ("Padding", base.itemsize))
    kind = {
        "b": "Bool",
        "i": "Signed",
        "u": "Unsigned",
        "f": "Float",
        "c": "Complex",
        "S": "Bytes",
        "U": "Ucs4",
    }[base.kind]
    order = {"|": None, "=": sys.byteorder, "<": "little", ">": "big"}[base.byteorder]
    return (shape, (kind, base.itemsize, order))


def named(tree):
    """The tree with numpy's default names for the fields without a name."""
    shape, content = tree
    if content[0] != "Record":
        return tree
    _, size, fields = content
    names = [name for name, _, _ in fields]
    for i, name in enumerate(names):
        if name is None:
            names[i] = next(f"f{j}" for j in range(len(names) + 1) if f"f{j}" not in names)
    return (shape, ("Record", size, [(name, offset, named(item)) for name, (_, offset, item) in zip(names, fields)]))


def assert_read_as_by_numpy(text):
    expected = read(numpy_reading(text))
    size = numpy_reading(text).itemsize
    unpadded = struct_size(text)
    if unpadded is not None and unpadded != size:
        # numpy pads after the last item; the struct module does not.
        assert text[:1] not in tuple("=<>!^")
        assert unpadded < size
        size = unpadded
        expected = (expected[0], ("Record", size, expected[1][2]))
    assert named(formats.tree(text)) == expected
    assert formats.itemsize(text) == size


def flat(tree, offset=0, axes=()):
    """The leaves of a tree."""
    shape, content = tree
    stride = content[1] * math.prod(shape)
    if stride == 0:
        return
    for extent in shape:
        stride //= extent
        axes += ((extent, stride),)
    if content[0] == "Record":
        for _, at, item in content[2]:
            yield from flat(item, offset + at, axes)
    elif content[0] != "Padding":
        yield (offset, content, list(axes))


@many_examples
@given(PLAIN)
def test_the_size_is_the_one_that_struct_says(text):
    assert formats.itemsize(text) == struct_size(text)


@pytest.mark.parametrize("order", ["", "@", "=", "<", ">", "!"])
@pytest.mark.parametrize("form", ["{0}{1}", "{0}3{1}", "{0}b0{1}", "{0}b{1}b", "{0} {1} "])
def test_every_code_that_struct_knows_is_read_alike(order, form):
    # The struct module has `F` and `D` since 3.14, `Zf` and `Zd` since 3.15.
    beyond_it = ["F", "D", "Zf", "Zd", "u", "w"] + ["g"] * (order in ("", "@"))
    for code in [*map(chr, range(128)), "Zf", "Zd"]:
        text = form.format(order, code)
        if struct_knows(text):
            assert formats.itemsize(text) == struct_size(text) == struct.calcsize(text), text
        elif code not in "@=<>!^":
            assert reads(text) == (code in beyond_it), text


@pytest.mark.parametrize("text", ["i<i", "i @i", " <i", "^i", "i^i"])
def test_an_order_is_read_where_struct_has_none(text):
    assert not struct_knows(text) and formats.itemsize(text) in (4, 8)


@many_examples
@given(
    st.tuples(
        st.sampled_from(["", "@", "=", "<", ">", "!"]),
        st.lists(
            st.sampled_from(
                [*PLAIN_CODES, *NATIVE_CODES, *"0123", *" \n\t", *"yzrv,;.-+*_", "9223372036854775807", "é"]
            ),
            max_size=10,
        ).map("".join),
    ).map("".join)
)
def test_what_struct_refuses_is_refused(text):
    assert reads(text) == (struct_size(text) is not None)


@pytest.mark.parametrize("text", ["i\0", "\0", "99999999999999999999i", "3", "3 i", "i3", "9223372036854775807h", "é"])
def test_what_is_no_format_anywhere_is_refused(text):
    assert not struct_knows(text) and not reads(text)


@examples
@given(FORMATS)
def test_numpy_reads_the_same_items_at_the_same_offsets(text):
    assert_read_as_by_numpy(text)


@pytest.mark.parametrize(
    "text",
    [
        "ib",
        "T{ib}",
        "i:a:b:b:",
        "T{b:a:T{h:b:b:c:}:d:}",
        "bT{T{d}}b",
        "2T{bi}",
        "(2)3T{i:a:b:b:}:x:",
        "T{b<i}d",
        "T{b<i}@d",
        "<bT{@i}",
        "<b2T{@ib}",
        "@bT{<ib}h",
        "T{@i<b}@h",
        "T{i:a:4xd:b:4x}",
        "3x:void:i",
        "(2)3x:void:",
        "(2)3xi",
        "0id",
        "b0dh",
        "T{}",
        "3T{}i",
        "(2,0)i:empty:b",
        "i::h:a:",
        "T{i:f1:h}b:f0:h",
        "gb",
        "bZg",
        "Zdb",
        "T{Zdb}",
        "^bg",
        "b3wb",
    ],
)
def test_numpy_reads_these_the_same(text):
    assert_read_as_by_numpy(text)


@pytest.mark.parametrize("dtype", ["i4", ">i4", "f8", "c16", "S5", "U3", ">U3", "?", "g", "i4,f8", "i1,(2,3)>f4,S4"])
@pytest.mark.parametrize("align", [False, True])
def test_what_numpy_writes_is_read(dtype, align):
    inner = np.dtype(dtype, align=align)
    nested = np.dtype([("first", inner, (2,)), ("é", "i1"), ("last", inner)], align=align)
    for dtype in (inner, nested):
        # numpy omits trailing padding that `@` would not add. These records have no such padding.
        text = memoryview(np.zeros(2, dtype)).format
        assert formats.itemsize(text) == dtype.itemsize
        assert named(formats.tree(text)) == read(dtype)


NUMBERS = ["c_byte", "c_uint8", "c_short", "c_uint16", "c_int", "c_uint", "c_long", "c_ulong", "c_longlong", "c_uint64"]


@pytest.mark.parametrize("name", [*NUMBERS, "c_size_t", "c_float", "c_double", "c_bool", "c_char"])
def test_what_ctypes_writes_is_read(name):
    number = getattr(ctypes, name)
    # c_bool has one byte, and therefore no type for each byte order.
    orders = [getattr(number, order, number) for order in ("__ctype_be__", "__ctype_le__")]
    for kind in [*orders, number * 3, (number * 3) * 2]:
        view = memoryview(kind())
        assert formats.itemsize(view.format) == view.itemsize
        assert list(flat(formats.tree(view.format))) == list(flat(read(np.asarray(kind()).dtype)))


@pytest.mark.parametrize("name", RECORDS)
def test_what_the_derive_writes_is_read(name):
    _, dtype, _ = RECORDS[name]
    text = memoryview(getattr(layouts, name)(1)).format
    assert formats.itemsize(text) == dtype.itemsize
    assert formats.tree(text) == read(dtype)
    assert formats.same_layout(text, formats.canonical(text)) and formats.same_names(text, formats.canonical(text))


# numpy cannot read `u`.
@pytest.mark.parametrize("code", sorted(set(array.typecodes) - {"u"}))
def test_what_array_writes_is_read(code):
    view = memoryview(array.array(code))
    assert formats.itemsize(view.format) == view.itemsize
    assert formats.tree(view.format) == read(np.asarray(view).dtype)


@examples
@given(FORMATS)
def test_the_canonical_form_is_read_the_same_by_numpy_too(text):
    canonical = formats.canonical(text)
    assert formats.tree(canonical) == formats.tree(text)
    assert formats.canonical(canonical) == canonical
    assert_read_as_by_numpy(canonical)


@examples
@given(FORMATS)
def test_leaves_are_the_scalars_of_the_tree(text):
    assert formats.leaves(text) == list(flat(formats.tree(text)))


# A small set, so that different strings often have the same layout.
SMALL = st.lists(
    st.tuples(
        st.sampled_from(["", "", "(2)"]),
        st.sampled_from(["", "<", ">", "@"]),
        st.sampled_from(["", "2"]),
        st.sampled_from("bhxc"),
    ).map("".join),
    min_size=1,
    max_size=2,
).map("".join)


@many_examples
@given(SMALL, SMALL)
def test_a_layout_is_the_same_where_numpy_finds_the_same_scalars(a, b):
    by_numpy = [(formats.itemsize(text), list(flat(read(numpy_reading(text))))) for text in (a, b)]
    assert formats.same_layout(a, b) == formats.same_layout(b, a) == (by_numpy[0] == by_numpy[1])


@examples
@given(FORMATS)
def test_a_format_has_the_layout_and_the_names_of_its_canonical_form(text):
    canonical = formats.canonical(text)
    assert formats.same_layout(text, canonical)
    assert formats.same_names(text, canonical)


@examples
@given(FORMATS)
def test_names_do_not_matter_for_the_layout(text):
    renamed = re.sub(":([^:]*):", lambda name: f":{name[1]}, renamed:", text)
    assert formats.same_layout(text, renamed)
    assert formats.same_names(text, renamed) == (renamed == text)


TOKENS = [
    *NUMPY_CODES,
    *NUMPY_CODES,
    *"T{}()^@<",
    "T{",
    "T{",
    "}",
    "}",
    ":a:",
    ":b:",
    ":",
    "(2)",
    "(2,3)",
    "2",
    ",",
    "&",
    "X{}",
    "t",
    "y",
    "Zq",
]


@many_examples
@given(st.lists(st.sampled_from(TOKENS), min_size=1, max_size=10).map("".join))
def test_what_numpy_refuses_is_refused(text):
    try:
        numpy_reading(text)
    except Exception:
        # numpy has no exception for bad formats: it raises IndexError, KeyError, ValueError, NotImplementedError, ...
        by_numpy = False
    else:
        by_numpy = True
    if reads(text) == by_numpy:
        return
    if by_numpy:
        # For numpy, the end of the text closes open records, and a `}` that closes no record ends the text.
        with pytest.raises(ValueError, match="a record that is not closed|a '}' that closes no record"):
            formats.itemsize(text)
    else:
        # Refused by numpy alone: an order before a shape, an order without an item, an array of empty records.
        assert re.search(r"[@^<]\(|\(.*T\{\}", text) or text in ("@", "<", "^")


@pytest.mark.parametrize("text", ["O", "2O", "T{O:a:}", "&i", "&T{i:a:}", "X{}", "X{i->d}", "t", "3t"])
def test_what_is_followed_as_a_pointer_is_refused(text):
    with pytest.raises(ValueError, match="refused code '[O&Xt]'.* at byte [0-9]+ of .*; "):
        formats.itemsize(text)


def test_numpy_cannot_read_what_is_read_here_beyond_it():
    for text in ["n", "N", "P", "p", "u", "F", "D", "i ", "<(2)i", "(2)0i", "(2)2T{}"]:
        assert reads(text)
        with pytest.raises((ValueError, NotImplementedError)):
            numpy_reading(text)
