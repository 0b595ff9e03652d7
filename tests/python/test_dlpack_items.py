"""What a tensor of our memory says of the items: types, shapes, strides; and what DLPack does not have."""

import ctypes
import gc
import re

import numpy as np
import pytest
from buffer_tests_ext import edges, layouts
from buffer_tests_ext.edges import Owner, Tally
from dltensor import BFLOAT, BOOL, COMPLEX, FLOAT, INT, IS_COPIED, READ_ONLY, UINT, Taken, versioned
from exporters import KINDS
from numpys import AS_NUMPY_2
from test_strided import CONTENT, SIZE, items_of, random_layouts


def refused(text):
    return pytest.raises(BufferError, match=f"^{re.escape(text)}$")


def numpys_type(dtype):
    codes = {"i": INT, "u": UINT, "f": FLOAT, "c": COMPLEX, "b": BOOL}
    return codes[dtype.kind], 8 * dtype.itemsize, 1


@pytest.mark.parametrize("kind", KINDS, ids=["-".join(kind[:3]) for kind in KINDS])
def test_every_class_shows_what_its_views_show(kind):
    for shape in kind.shapes():
        m = kind.make(shape)
        array = np.asarray(m)
        taken = versioned(m)
        assert taken.shape == array.shape
        assert taken.dtype == numpys_type(array.dtype)
        assert taken.managed.flags == (0 if array.flags.writeable else READ_ONLY)
        if array.size:
            assert taken.tensor.data == array.ctypes.data
            strides = [stride // array.itemsize for stride in array.strides]
            for extent, ours, theirs in zip(shape, taken.strides, strides):
                assert extent == 1 or ours == theirs
        assert (taken.tensor.byte_offset, taken.tensor.device_kind, taken.tensor.device_id) == (0, 1, 0)
        taken.delete()
        if AS_NUMPY_2:
            again = np.from_dlpack(m)
            assert (again.dtype, again.tolist()) == (array.dtype, array.tolist())
            copy = np.from_dlpack(m, copy=True)
            assert copy.flags.c_contiguous and copy.tolist() == array.tolist()


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("float16", "f2"),
        ("complex64", "c8"),
        ("complex128", "c16"),
        ("boolean", "?"),
        ("le_i32", "i4"),
        ("be_u8", "u1"),
    ],
)
def test_the_other_numbers(name, dtype):
    classes = {which: c for element, which, c in layouts.ELEMENTS if element == name}
    values = {"complex64": [(1.0, 2.0)], "complex128": [(1.0, 2.0)], "boolean": [True]}.get(name, [1]) * 2
    for which, c in classes.items():
        m = c(values)
        taken = versioned(m)
        assert taken.dtype == numpys_type(np.dtype(dtype))
        assert taken.shape == np.asarray(m).shape
        assert taken.managed.flags == (READ_ONLY if "readonly" in which else 0)
        taken.delete()


def test_brain_floats_are_a_type_of_dlpack():
    m = edges.BrainFloats([1.0, -2.5])
    taken = versioned(m)
    assert (taken.dtype, m.tensors()) == ((BFLOAT, 16, 1), 1)
    # The upper half of a float32.
    bits = (ctypes.c_uint16 * 2).from_address(taken.tensor.data)
    assert [np.uint32(int(each) << 16).view(np.float32) for each in bits] == [1.0, -2.5]
    assert np.asarray(m)["bfloat16"].tolist() == list(bits)
    taken.delete()
    assert m.tensors() == 0


def element(name):
    (found,) = (c for element, which, c in layouts.ELEMENTS if (element, which) == (name, "plain"))
    return found


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: layouts.Pairs(2),
            "its items are records of format .*, and DLPack has only numbers and bool; export one field, as in "
            r"np.asarray\(x\)\['name'\]",
        ),
        (lambda: element("bytes5")([b"abcde"]), "its items are byte strings of format \"5s\", .*view\\('u1'\\)"),
        (lambda: layouts.Bytes(bytes(24)).field("c", 0), 'its items are byte strings of format "c"'),
        (
            lambda: layouts.Bytes(bytes(24)).field("P", 0),
            'the format "P", and DLPack has only numbers and bool; convert',
        ),
        (
            lambda: layouts.Bytes(bytes(32)).field("g", 0),
            'the format "g", and DLPack has only numbers and bool; convert',
        ),
        (lambda: layouts.Bytes(bytes(24)).field("3i", 0), 'the format "3i", and DLPack has only numbers and bool'),
        (
            lambda: element("be_u16")([1]),
            'its items have the format ">H", and DLPack has only the byte order of this machine',
        ),
        (lambda: element("be_complex64")([(1, 2)]), 'format ">Zf", and DLPack has only the byte order'),
    ],
)
@pytest.mark.parametrize("copy", [None, True])
def test_items_that_dlpack_does_not_have(make, text, copy):
    m = make()
    with pytest.raises(BufferError, match=f"^cannot export a tensor: .*{text}"):
        m.__dlpack__(max_version=(1, 0), copy=copy)


def test_layouts_that_dlpack_does_not_have_are_copied():
    rows = layouts.Rows16([b"\1\0\2\0", b"\3\0\4\0"])
    odd = layouts.Bytes(bytes(range(40))).field("i", 1)
    wide = layouts.Strided1(CONTENT, 3, 6, 0)
    for m, text in [
        (rows, "its rows are allocated one by one; pass copy=True"),
        (odd, "its items do not begin at a multiple of their size; pass copy=True"),
        (
            wide,
            "the stride of dimension 0, 6 bytes, is no multiple of the 4 bytes of an item; pass copy=True",
        ),
    ]:
        with refused(f"cannot export a tensor: {text}"):
            m.__dlpack__(max_version=(1, 0))
        copy = versioned(m, copy=True)
        assert copy.managed.flags == IS_COPIED
        data = ctypes.string_at(copy.tensor.data, memoryview(m).nbytes)
        assert data == memoryview(m).tobytes()
        assert copy.shape == memoryview(m).shape
        copy.delete()


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_strides_count_items(ndim):
    c = {1: layouts.Strided1, 2: layouts.Strided2, 3: layouts.Strided3}[ndim]
    for shape, strides, offset in random_layouts(ndim, seed=50 + ndim):
        m = c(CONTENT, *shape, *strides, offset)
        if items_of(shape, strides, offset) is None:
            with pytest.raises(BufferError, match="cannot grant a view"):
                m.__dlpack__()
            continue
        view = memoryview(m)
        taken = versioned(m)
        assert (taken.shape, taken.managed.flags) == (tuple(shape), READ_ONLY if view.readonly else 0)
        assert list(taken.strides) == [stride // SIZE for stride in view.strides]
        copy = versioned(m, copy=True)
        assert ctypes.string_at(copy.tensor.data, view.nbytes) == view.tobytes()
        taken.delete()
        copy.delete()
        # Overlapping items are read-only, and a consumer that does not read flags does not get them.
        if view.readonly:
            with pytest.raises(BufferError, match="the memory is read-only"):
                m.__dlpack__()
        else:
            Taken(m.__dlpack__()).delete()


def test_no_dimensions_and_no_items():
    m = layouts.Whole(bytes(48), 3)
    scalar = versioned(m.item(1, 1))
    assert (scalar.shape, scalar.tensor.ndim) == ((), 0)
    assert not scalar.tensor.shape and not scalar.tensor.strides
    scalar.delete()
    many = layouts.Dimensions64(bytes(4), 1)
    taken = versioned(many)
    assert taken.shape == (1,) * 64
    taken.delete()
    empty = Owner([])
    taken = versioned(empty)
    assert taken.shape == (0,) and taken.strides == (1,)
    taken.delete()
    copy = versioned(empty, copy=True)
    assert copy.shape == (0,)
    copy.delete()
    edges.grow(empty, 1)


def test_copies_are_aligned_for_jax():
    copies = [versioned(Owner([1] * count), copy=True) for count in range(1, 65)]
    assert {copy.tensor.data % 64 for copy in copies} == {0}
    for copy in copies:
        copy.delete()


def test_strides_of_no_items_are_not_checked():
    m = layouts.Strided2(CONTENT, 0, 3, 6, 6, 0)
    taken = versioned(m)
    assert taken.shape == (0, 3)
    taken.delete()


@pytest.mark.parametrize(("format", "offset"), [("Zf", 4), ("Zd", 8)])
def test_complex_numbers_are_aligned_like_their_parts(format, offset):
    m = layouts.Bytes(bytes(range(64)))
    for start in (0, offset):
        taken = versioned(m.field(format, start))
        assert ctypes.string_at(taken.tensor.data, offset) == bytes(range(start, start + offset))
        taken.delete()
    with pytest.raises(BufferError, match="do not begin at a multiple of their size"):
        versioned(m.field(format, 2))


def test_a_subclass_exports_its_own_cell():
    parents, owns = Tally(), Tally()
    m = edges.Child([1], parents, [2.0], owns)
    taken = versioned(m)
    assert (taken.dtype, np.frombuffer((ctypes.c_double * 1).from_address(taken.tensor.data))[0]) == (
        (FLOAT, 64, 1),
        2.0,
    )
    del m
    gc.collect()
    assert (parents.drops, owns.drops) == (1, 0)
    taken.delete()
    # The storage's drop may run code, which a deleter must not: any view that is refused or granted slowly frees it.
    Owner([1]).__dlpack__()
    assert owns.drops == 1
