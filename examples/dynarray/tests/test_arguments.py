"""Wrong arguments are refused by the call that gets them. The message names them, and nothing is leaked."""

import gc
import re
import resource
import sys

import numpy as np
import pytest
from dynarray import DynArray, Rows

DATA = bytes(range(24))
HUGE = [2**63, -(2**63) - 1, 10**30, pytest.param(10**5000, id="no str"), pytest.param(-(10**5000), id="no str below")]


def refused(kind, text, make):
    with pytest.raises(kind) as refusal:
        make()
    # Not a subclass: UnicodeError, for example, is a ValueError.
    assert refusal.type is kind
    assert re.search(text, str(refusal.value)), str(refusal.value)


@pytest.mark.parametrize(
    ("format", "kind", "text"),
    [
        ("y", ValueError, "^format: unknown code 'y' at byte 0"),
        ("O", ValueError, "^format: refused code 'O'"),
        ("T{i:a:O:b:}", ValueError, "^format: refused code 'O'"),
        ("&i", ValueError, "^format: refused code '&'"),
        ("i\0", ValueError, "^format: a NUL"),
        ("\u00e9", ValueError, "^format: a character that is not ASCII"),
        ("\ud800", ValueError, "^format: .*surrogates"),
        ("3", ValueError, "^format: a count without an item"),
        ("T{i", ValueError, "^format: a record that is not closed"),
        (f"{2**63}B", ValueError, "^format: "),
        (f"{2**62}q", ValueError, "^format: an item of more bytes than memory can have"),
        ("", ValueError, '^format: an item of "" has 0 bytes'),
        ("0i", ValueError, '^format: an item of "0i" has 0 bytes'),
        ("T{}", ValueError, "^format: .* has 0 bytes"),
        (b"B", TypeError, "^format: expected a string such as 'B', not bytes"),
        (3, TypeError, "^format: expected a string such as 'B', not int"),
        (np.dtype("i"), TypeError, "^format: "),
    ],
    ids=repr,
)
def test_formats(format, kind, text):
    refused(kind, text, lambda: DynArray(DATA, format=format))
    refused(kind, text, lambda: Rows([DATA], format=format))


@pytest.mark.parametrize(
    ("shape", "kind", "text"),
    [
        ((-1,), ValueError, "^shape: dimension 0 of the shape is negative"),
        ((2, -3), ValueError, "^shape: dimension 1 of the shape is negative"),
        ((0, -1), ValueError, "^shape: dimension 1 of the shape is negative"),
        ((25,), ValueError, "^shape: the declared items reach from byte 0 to byte 25 of a storage that has 24 bytes"),
        ((5, 5), ValueError, "^shape: the declared items reach"),
        ([1] * 65, ValueError, "^shape: 65 dimensions, but a buffer has at most 64"),
        (range(10**15), ValueError, "^shape: 1000000000000000 dimensions"),
        (range(2**70), ValueError, "^shape: more dimensions than the 64 that"),
        ((sys.maxsize,), ValueError, "^shape: "),
        ((2**62, 2), ValueError, "^shape: .*more bytes than memory can have"),
        ((2**32, 2**32), ValueError, "^shape: .*more bytes than memory can have"),
        ((2**32, 0, 2**32), ValueError, "^shape: .*more bytes than memory can have"),
        ((2**62, 2, 0), ValueError, "^shape: .*more bytes than memory can have"),
        ((0, 2**62, 2), ValueError, "^shape: .*more bytes than memory can have"),
        ((2,) * 64, ValueError, "^shape: .*more bytes than memory can have"),
        ((2.0,), TypeError, "^shape: .*float"),
        (("2",), TypeError, "^shape: .*str"),
        ((None,), TypeError, "^shape: .*None"),
        ("ab", TypeError, "^shape: .*str"),
        (3, TypeError, "^shape: expected a sequence of integers, not int"),
        ({2, 3}, TypeError, "^shape: expected a sequence of integers, not set"),
        ({0: 2}, TypeError, "^shape: expected a sequence of integers, not dict"),
        (iter([2, 3]), TypeError, "^shape: "),
        (np.array([2.0]), TypeError, "^shape: .*float"),
        ([[2]], TypeError, "^shape: .*list"),
    ],
    ids=lambda argument: str(argument)[:20],
)
def test_shapes(shape, kind, text):
    refused(kind, text, lambda: DynArray(DATA, shape=shape))
    refused(kind, text, lambda: DynArray(DATA, shape=shape, readonly=True))


@pytest.mark.parametrize(
    ("shape", "strides", "text"),
    [
        (None, (1,), "^strides: there are strides, but no shape; give a shape as well"),
        (None, (), "^strides: there are strides, but no shape"),
        ((2, 3), (3,), "^strides: there are 1 strides for a shape of 2 dimensions; give one stride for each"),
        ((2, 3), (), "^strides: there are 0 strides"),
        ((), (1,), "^strides: there are 1 strides for a shape of 0 dimensions"),
        ((2,), [1] * 65, "^strides: 65 dimensions"),
        ((2,), (24,), "^strides: the declared items reach from byte 0 to byte 25"),
        ((2,), (-1,), "^strides: the declared items reach from byte -1 to byte 1"),
        ((2,), (sys.maxsize,), "^strides: .*more bytes than memory can have"),
        ((2,), (-sys.maxsize - 1,), "^strides: "),
        ((25,), (1,), "^shape: the declared items reach"),
        ((25,), (0, 0), "^strides: there are 2 strides"),
        ((3,), (2**62,), "^strides: .*more bytes than memory can have"),
        ((2, 2), (2**62, 2**62), "^strides: .*more bytes than memory can have"),
        ((2**62, 4), (0, 0), "^shape: .*more bytes than memory can have"),
    ],
)
def test_strides(shape, strides, text):
    refused(ValueError, text, lambda: DynArray(DATA, shape=shape, strides=strides))


@pytest.mark.parametrize("strides", [(1.0,), ("1",), (None,), 1, "1", iter([1])], ids=repr)
def test_strides_of_another_type(strides):
    refused(TypeError, "^strides: ", lambda: DynArray(DATA, shape=(1,), strides=strides))


@pytest.mark.parametrize(
    ("offset", "kind", "text"),
    [
        (-1, ValueError, "^offset: the declared offset of -1 bytes is outside the storage, which has 24 bytes"),
        (25, ValueError, "^offset: the declared offset of 25 bytes is outside the storage"),
        (sys.maxsize, ValueError, "^offset: "),
        (-sys.maxsize - 1, ValueError, "^offset: "),
        (1.0, TypeError, "^offset: .*float"),
        ("1", TypeError, "^offset: .*str"),
        ((1,), TypeError, "^offset: .*tuple"),
    ],
    ids=repr,
)
def test_offsets(offset, kind, text):
    refused(kind, text, lambda: DynArray(DATA, offset=offset))
    refused(kind, text, lambda: DynArray(DATA, offset=offset, shape=(1,)))
    refused(kind, text, lambda: DynArray(DATA, offset=offset, shape=(0,)))


@pytest.mark.parametrize("huge", HUGE)
def test_integers_that_rust_has_not(huge):
    text = "the number is " + ("negative; write one from 0 on" if huge < 0 else "larger than any memory")
    refused(ValueError, f"^shape: {text}$", lambda: DynArray(DATA, shape=(1, huge)))
    strides = "^strides: the number reaches farther than any memory$"
    refused(ValueError, strides, lambda: DynArray(DATA, shape=(1,), strides=(huge,)))
    refused(ValueError, f"^offset: {text}$", lambda: DynArray(DATA, offset=huge))
    refused(ValueError, f"^nbytes: {text}$", lambda: DynArray(DATA).resize(huge))


@pytest.mark.parametrize("strides", [None, (1,), (-1,)])
def test_an_offset_behind_which_the_items_have_no_room(strides):
    text = "^offset: the declared items reach from byte"
    refused(ValueError, text, lambda: DynArray(DATA, shape=(24,), strides=strides, offset=1))
    refused(ValueError, text, lambda: DynArray(DATA, shape=(2,), strides=strides, offset=24))


@pytest.mark.parametrize("data", [24, "text", None, [1, 2], 1.0, object()], ids=lambda data: type(data).__name__)
def test_data_that_is_no_bytes(data):
    text = f": a bytes-like object is required, not '{type(data).__name__}'"
    refused(TypeError, f"^data: .*{text}", lambda: DynArray(data))
    refused(TypeError, f"^rows: row 1: .*{text}", lambda: Rows([DATA, data]))


def test_data_that_is_no_whole_number_of_items():
    refused(ValueError, "^data: 5 bytes are no whole number of items", lambda: DynArray(b"12345", format="i"))
    refused(ValueError, "^data: 23 bytes are no", lambda: DynArray(DATA, format="i", offset=1))
    assert DynArray(b"12345", format="i", shape=(1,)).nbytes == 4


def test_readonly_is_anything_that_is_true_or_false():
    assert [DynArray(DATA, readonly=value).readonly for value in (1, 0, "yes", None, np.True_)] == [1, 0, 1, 0, 1]
    refused(ValueError, "^readonly: ", lambda: DynArray(DATA, readonly=np.array([1, 2])))


@pytest.mark.parametrize(
    ("rows", "kind", "text"),
    [
        ([b"abcd", b"abc"], ValueError, "^rows: row 1: the row has 3 elements, but the rows here have 4"),
        ([b"", b"", b"a"], ValueError, "^rows: row 2: the row has 1 elements"),
        (3, TypeError, "^rows: expected an iterable of rows, not int"),
        ("text", TypeError, "^rows: row 0: .*str"),
        (b"text", TypeError, "^rows: row 0: .*int"),
        (None, TypeError, "^rows: .*None"),
    ],
    ids=repr,
)
def test_rows(rows, kind, text):
    refused(kind, text, lambda: Rows(rows))


def test_a_row_that_is_no_whole_number_of_items():
    text = "^rows: row 0: 3 bytes are no whole number of items of 2 bytes"
    refused(ValueError, text, lambda: Rows([b"abc", b"def"], format="h"))


def test_sizes():
    for m in DynArray(DATA), DynArray(DATA, shape=(2,)):
        refused(ValueError, "^nbytes: -1 is negative", lambda m=m: m.resize(-1))
        refused(TypeError, "^nbytes: .*float", lambda m=m: m.resize(24.0))
        refused(TypeError, "^nbytes: .*NoneType", lambda m=m: m.resize(None))
        refused(MemoryError, f"^nbytes: no memory for {sys.maxsize} bytes", lambda m=m: m.resize(sys.maxsize))
        assert bytes(m) == DATA[: m.nbytes]
        m.resize(100)


class Index:
    def __init__(self, number):
        self.number = number

    def __index__(self):
        return self.number


@pytest.mark.parametrize("integer", [np.int64, np.uint8, np.int16, Index])
def test_integers_of_other_types(integer):
    m = DynArray(DATA, shape=(integer(2), 3), strides=[integer(6), integer(2)], offset=integer(1))
    assert (m.shape, m.strides) == ((2, 3), (6, 2))
    assert memoryview(m).tolist() == [[1, 3, 5], [7, 9, 11]]
    m.resize(integer(24))


def test_a_bool_is_an_integer():
    m = DynArray(DATA, shape=(True, 2), strides=(False, True), offset=True)
    assert (m.shape, m.strides, bytes(m)) == ((1, 2), (0, 1), b"\x01\x02")


def test_shapes_of_other_types():
    for shape in [2, 3], np.array([2, 3]), range(2, 4), memoryview(b"\x02\x03"):
        assert DynArray(DATA, shape=shape).shape == (2, 3)


def test_names_of_arguments():
    with pytest.raises(TypeError, match="positional"):
        DynArray(DATA, "B")
    with pytest.raises(TypeError, match="data"):
        DynArray()
    with pytest.raises(TypeError, match="order"):
        DynArray(DATA, order="F")
    with pytest.raises(TypeError, match="rows"):
        Rows()


def test_what_user_code_raises_is_not_hidden():
    class Broken:
        def __index__(self):
            raise KeyError("mine")

        def __bool__(self):
            raise KeyError("mine")

        def __len__(self):
            raise KeyError("mine")

    def broken():
        yield DATA
        raise KeyError("mine")

    makers = [
        lambda: DynArray(DATA, shape=(Broken(),)),
        lambda: DynArray(DATA, shape=Broken()),
        lambda: DynArray(DATA, offset=Broken()),
        lambda: DynArray(DATA, readonly=Broken()),
        lambda: DynArray(DATA).resize(Broken()),
        lambda: Rows(broken()),
    ]
    for make in makers:
        refused(KeyError, "mine", make)


def in_use():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def test_a_refusal_leaves_nothing_behind():
    data = bytearray(1 << 20)
    makers = [
        lambda: DynArray(data, shape=(1 << 21,)),
        lambda: DynArray(data, shape=(2,), strides=(-1,)),
        lambda: DynArray(data, format="y"),
        lambda: DynArray(data, format="3B"),
        lambda: DynArray(data, offset=-1),
        lambda: Rows([data, b"short"]),
        lambda: Rows([data, None]),
        lambda: Rows([data], format="3B"),
    ]
    references = sys.getrefcount(data)
    for make in makers:
        with pytest.raises((TypeError, ValueError)):
            make()
    before = in_use()
    for make in makers * 50:
        with pytest.raises((TypeError, ValueError)):
            make()
    gc.collect()
    assert sys.getrefcount(data) == references
    # A `bytearray` refuses to grow while it is viewed.
    data.append(0)
    assert in_use() - before < 100 << 20
