"""Layouts: every storage shows its own memory in every layout, in the declared shape and order."""

import struct
import sys

import numpy as np
import pytest
from buffer_tests_ext import layouts
from exporters import each_kind, the_kind
from pybuffer import FULL, FULL_RO, SIMPLE, STRIDES, ask

FLOATS = np.arange(1, 25, dtype=np.float32)
CONTENT = FLOATS.tobytes()


@each_kind()
def test_numpy_sees_every_item_at_its_place(kind):
    for shape in kind.shapes():
        m = kind.make(shape)
        expected = np.frombuffer(kind.content(shape), kind.dtype).reshape(shape, order=kind.order)
        a = np.asarray(m)
        assert a.shape == shape
        assert a.tolist() == expected.tolist()
        assert a.flags.aligned and not a.flags.owndata
        assert a.flags.writeable is not kind.readonly
        one_order = 0 in shape or sum(extent > 1 for extent in shape) <= 1
        assert a.flags.c_contiguous is (one_order or kind.order == "C")
        assert a.flags.f_contiguous is (one_order or kind.order == "F")
        # The strides of an array without items are arbitrary, and numpy's differ.
        if 0 not in shape:
            assert a.strides == expected.strides
        assert m.views() == 1
        del a
        assert m.views() == 0


@each_kind()
def test_memoryview_sees_every_item_at_its_place(kind):
    for shape in kind.shapes():
        content = kind.content(shape)
        with memoryview(kind.make(shape)) as view:
            assert view.shape == shape
            assert view.nbytes == len(content)
            assert view.readonly is kind.readonly
            assert view.suboffsets == ()
            assert view.tobytes(order="A") == content
            logical = np.frombuffer(content, kind.dtype).reshape(shape, order=kind.order)
            assert view.tobytes() == view.tobytes(order="C") == logical.tobytes(order="C")
            assert view.tobytes(order="F") == logical.tobytes(order="F")
            assert view.tolist() == logical.tolist()


@each_kind(layout=["natural", "c2", "c3", "f2", "f3"])
def test_all_views_show_the_one_memory(kind):
    m = kind.make()
    a, b = np.asarray(m), np.asarray(m)
    assert np.shares_memory(a, b)
    a[...] = 0
    a[tuple(extent - 1 for extent in a.shape)] = 1
    assert b.sum() == 1
    with memoryview(m) as view:
        assert view[tuple(extent - 1 for extent in view.shape)] == 1
    # In both orders, the last item is also the last in memory.
    assert ask(m, FULL_RO).content == bytes(23 * kind.dtype.itemsize) + kind.dtype.type(1).tobytes()


@each_kind(storage="vec", element="i64", layout=["c2", "f2", "c3", "f3"])
def test_a_copy_of_another_storage_is_equal(kind):
    for shape in kind.shapes():
        a = np.asarray(kind.make(shape))
        assert np.array_equal(a, np.asarray(kind._replace(storage="boxed").make(shape)))


@each_kind(storage="vec", layout=["natural", "readonly"])
def test_an_empty_vec_is_a_buffer_of_no_items(kind):
    m = kind.make((0,))
    a = np.asarray(m)
    assert (a.shape, a.dtype) == ((0,), kind.dtype)
    with memoryview(m) as view:
        with view.cast("B") as cast:
            assert (cast.shape, cast.tobytes()) == ((0,), b"")
        assert (len(view), view.tolist(), view == b"") == (0, [], True)
    for flags in SIMPLE, STRIDES, FULL_RO:
        answer = ask(m, flags)
        assert (answer.len, answer.content) == (0, b"")
        assert answer.buf is not None


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: layouts.EmptyArray(b""), id="array"),
        pytest.param(lambda: the_kind("boxed", "natural", "f32").make((0,)), id="boxed"),
        pytest.param(lambda: the_kind("vec_of_triples", "natural", "f32").make((0, 3)), id="vec_of_triples"),
        pytest.param(lambda: the_kind("vec", "f3", "f32").make((2, 0, 3)), id="zero inside"),
    ],
)
def test_an_empty_buffer_has_an_address(make):
    m = make()
    for flags in SIMPLE, STRIDES, FULL:
        assert ask(m, flags).buf is not None
    assert bytes(m) == b""
    assert np.asarray(m).size == 0


@pytest.mark.parametrize("storage", ["vec", "boxed", "array", "table"])
def test_an_address_is_aligned_for_the_items(storage):
    for element in "u16", "f64":
        m = the_kind(storage, "natural", element).make()
        assert ask(m, SIMPLE).buf % struct.calcsize("H" if element == "u16" else "d") == 0


# Declarations, one by one.


def test_64_dimensions_are_granted():
    m = layouts.Dimensions64(CONTENT, 4)
    answer = ask(m, FULL)
    assert answer.ndim == 64
    assert answer.shape == (4, *[1] * 62, 6)
    assert answer.strides == (24, *[24] * 62, 4)
    assert memoryview(m).tobytes() == CONTENT


def test_64_dimensions_of_nested_arrays_are_granted():
    answer = ask(layouts.NestedArrays64(CONTENT), FULL)
    assert answer.shape == (24, *[1] * 63)
    assert answer.strides == (4,) * 64


def test_64_dimensions_are_answered_as_by_cpythons_exporter(testbuffer):
    reference = testbuffer.ndarray(FLOATS.tolist(), shape=[4, *[1] * 62, 6], format="f", flags=testbuffer.ND_WRITABLE)
    for flags in SIMPLE, STRIDES, FULL, FULL_RO:
        assert ask(layouts.Dimensions64(CONTENT, 4), flags).described() == ask(reference, flags).described()


@each_kind(storage=["vec", "boxed", "vec_of_triples", "vec_of_tables"], layout=["natural", "readonly"], element="i32")
def test_the_natural_shape_follows_the_length(kind):
    m = kind.make()
    for length in 24, 48, 48, 6, 0, 24:
        shape = kind.shape(length)
        content = kind.content(shape)
        m.replace(content)
        # The next view may be of any kind, and the view after it of another kind.
        for flags in (FULL_RO, SIMPLE, STRIDES) if length % 4 else (SIMPLE, FULL_RO, STRIDES):
            answer = ask(m, flags)
            assert (answer.len, answer.content) == (len(content), content)
            if flags != SIMPLE:
                assert answer.shape == shape


@pytest.mark.parametrize("flags", [SIMPLE, STRIDES, FULL_RO, FULL], ids=hex)
def test_a_shape_that_fitted_once_is_held_against_the_length_again(flags):
    m = layouts.Declared(CONTENT, 1, 4, 6)
    for _ in range(3):
        assert ask(m, flags).len == 96
        for length in 92, 100, 0, 192:
            m.replace(bytes(length))
            assert ask(m, flags) is None
            with pytest.raises(BufferError, match="describes 24 items"):
                memoryview(m)
        m.replace(CONTENT)
        assert ask(m, flags).content == CONTENT
        assert m.views() == 0


def test_an_explicit_shape_counts_scalars_whatever_arrays_the_storage_has():
    # The storage is four arrays of six.
    a = np.asarray(layouts.Constants(CONTENT))
    assert a.shape == (2, 3, 4)
    assert a.ravel().tolist() == FLOATS.tolist()


@pytest.mark.parametrize(("count", "rows"), [(0, 0), (6, 1), (24, 4)])
def test_an_inferred_extent_is_what_the_length_leaves(count, rows):
    m = layouts.Inferred(CONTENT[: 4 * count], 6)
    assert memoryview(m).shape == (rows, 6)


def test_an_inferred_extent_follows_the_length():
    m = layouts.Inferred(CONTENT, 6)
    assert memoryview(m).shape == (4, 6)
    m.replace(CONTENT[:48])
    assert memoryview(m).shape == (2, 6)
    m.replace(b"")
    assert memoryview(m).shape == (0, 6)


def test_the_last_extent_may_be_the_inferred_one():
    a = np.asarray(layouts.InferredLast(CONTENT, 4))
    assert a.tolist() == FLOATS.reshape(4, 6, order="F").tolist()


def test_an_inferred_extent_beside_a_dimension_of_0_is_refused():
    m = layouts.Inferred(b"", 0)
    with pytest.raises(BufferError, match="`_` cannot be inferred, because another dimension of the shape is 0"):
        memoryview(m)
    assert ask(m, SIMPLE) is None
    assert m.views() == 0


@pytest.mark.parametrize(("count", "columns"), [(24, 7), (5, 6), (1, 2)])
def test_a_length_that_does_not_divide_is_refused(count, columns):
    m = layouts.Inferred(CONTENT[: 4 * count], columns)
    with pytest.raises(
        BufferError, match=f"the storage has {count} items, which is no multiple of {columns}, the product"
    ):
        memoryview(m)
    assert m.views() == 0
    m.replace(bytes(4 * columns))
    assert memoryview(m).shape == (1, columns)


@pytest.mark.parametrize(
    ("count", "extents"), [(24, (2, 3, 5)), (24, (2, 3, 3)), (24, (0, 3, 4)), (0, (1, 1, 1)), (1, (1, 1, 2))], ids=str
)
def test_a_shape_of_other_than_all_items_is_refused(count, extents):
    m = layouts.Declared(CONTENT[: 4 * count], *extents)
    with pytest.raises(BufferError, match=f"describes {np.prod(extents)} items, but the storage has {count}"):
        memoryview(m)
    assert m.views() == 0


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: layouts.Inferred(CONTENT, -6), id="beside inferred"),
        pytest.param(lambda: layouts.Declared(CONTENT, -4, -6, 1), id="two that multiply to the length"),
        pytest.param(lambda: layouts.Declared(b"", 0, -1, 1), id="beside 0"),
        pytest.param(lambda: layouts.Declared(CONTENT, -(2**63), 1, 1), id="least"),
    ],
)
def test_a_negative_dimension_is_refused(make):
    m = make()
    with pytest.raises(BufferError, match=r"dimension \d of the shape is negative \(-\d+\)"):
        memoryview(m)
    assert m.views() == 0


@pytest.mark.skipif(sys.maxsize < 2**63 - 1, reason="the numbers are for 64 bits")
@pytest.mark.parametrize(
    "extents",
    [
        pytest.param((2**62, 4, 1), id="product wraps to 0"),
        pytest.param((2**62, 1, 2**62), id="product of two"),
        pytest.param((2**62, 4, 0), id="strides beside 0"),
        pytest.param((0, 2**61, 1), id="bytes beside 0"),
        pytest.param((0, 1, 2**63), id="larger than any"),
        pytest.param((1, 1, 2**64 - 1), id="largest number"),
    ],
)
def test_a_shape_that_no_memory_can_have_is_refused(extents):
    m = layouts.Declared(b"", *extents)
    with pytest.raises(BufferError, match="more bytes than memory can have"):
        memoryview(m)
    assert m.views() == 0


def test_a_product_that_wraps_to_the_length_is_refused():
    # The product of the extents is 24 modulo 2**64.
    m = layouts.Declared(CONTENT, 2**61 + 3, 8, 1)
    with pytest.raises(BufferError, match="more bytes than memory can have"):
        memoryview(m)


def test_a_refused_declaration_is_the_same_for_every_request():
    m = layouts.Declared(CONTENT, 2, 3, 5)
    assert [ask(m, flags) for flags in range(0x100)] == [None] * 0x100
    assert m.views() == 0


# The forms of a class.


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: layouts.NotFrozen(CONTENT, 24), id="not frozen"),
        pytest.param(lambda: layouts.TupleStruct(CONTENT), id="tuple struct"),
        pytest.param(lambda: layouts.TupleStructWithShape(CONTENT, 24), id="tuple struct with a shape"),
        pytest.param(lambda: layouts.Unmarked(CONTENT), id="unmarked field"),
        pytest.param(lambda: layouts.Marked(CONTENT), id="marked field"),
        pytest.param(lambda: layouts.Expression(CONTENT, 24, 1), id="expression"),
        pytest.param(lambda: layouts.NoArray(CONTENT), id="no array"),
        pytest.param(lambda: layouts.Base(CONTENT, 1), id="subclass allowed"),
        pytest.param(lambda: layouts.Derived(CONTENT, 1, "label"), id="subclass in Rust"),
        pytest.param(lambda: type("Subclass", (layouts.Base,), {})(CONTENT, 1), id="subclass in Python"),
        pytest.param(lambda: type("Subclass", (layouts.NotFrozen,), {})(CONTENT, 1), id="subclass of not frozen"),
    ],
)
def test_classes_of_every_form_share_their_memory(make):
    m = make()
    a = np.asarray(m)
    assert a.dtype == np.float32
    assert a.ravel().tolist() == FLOATS.tolist()
    a[:] = 7
    assert bytes(m) == struct.pack("24f", *[7] * 24)
    assert m.views() == 1
    with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
        m.replace(bytes(96))
    del a
    m.replace(bytes(96))
    assert bytes(m) == bytes(96)


def test_a_tuple_struct_with_a_shape_is_in_its_order():
    assert np.asarray(layouts.TupleStructWithShape(CONTENT, 4)).tolist() == FLOATS.reshape(4, 6, order="F").tolist()


def test_of_two_cells_the_marked_one_is_exported():
    m = layouts.Marked(CONTENT)
    with memoryview(m):
        assert (m.views(), m.other_views()) == (1, 0)


def test_fields_beside_the_cell_are_left_alone():
    m = layouts.Unmarked(CONTENT)
    np.asarray(m)[:] = 0
    assert m.sum == 3
