"""Rust as a consumer that converts what it cannot borrow."""

import array
import ctypes
import decimal
import re
import warnings

import numpy as np
import pytest
from apart import run
from buffer_tests_ext import consumer, edges, layouts


def converted(object, element="f64"):
    borrowed, shape, items = consumer.converted(element, object)
    return borrowed, tuple(shape), list(items)


BORROWED = {
    "numpy": np.array([1.0, 2.0, 3.0]),
    "array.array": array.array("d", [1, 2, 3]),
    "every other": np.array([1.0, 0, 2, 0, 3])[::2],
    "backwards": np.array([3.0, 2.0, 1.0])[::-1],
    "memoryview": memoryview(array.array("d", [1, 2, 3])),
    "ctypes": (ctypes.c_double * 3)(1, 2, 3),
    "read-only": np.frombuffer(np.array([1.0, 2, 3]).tobytes()),
    "ours": edges.Series([1.0, 2.0, 3.0]),
}


@pytest.mark.parametrize("object", BORROWED.values(), ids=BORROWED)
def test_a_buffer_of_such_items_is_borrowed(object):
    assert converted(object) == (True, (3,), [1, 2, 3])
    assert consumer.mean(object) == 2.0


CONVERTED = {
    "list of ints": [1, 2, 3],
    "list of floats": [1.0, 2.0, 3.0],
    "mixed list": [1, 2.0, True + 2],
    "tuple": (1, 2, 3),
    "range": range(1, 4),
    "list of scalars": [np.float32(1), np.int8(2), 3],
    "float32": np.array([1, 2, 3], "f4"),
    "float16": np.array([1, 2, 3], "f2"),
    "int64": np.array([1, 2, 3]),
    "uint8": np.array([1, 2, 3], "u1"),
    "the other byte order": np.array([1, 2, 3], ">f8"),
    "int of the other byte order": np.array([1, 2, 3], ">i4"),
    "misaligned": np.frombuffer(b"\0" + np.array([1.0, 2, 3]).tobytes(), "u1")[1:].view("f8"),
    "in a packed record": np.array([(0, 1), (0, 2), (0, 3)], "u1,f8")["f1"],
    "array.array": array.array("i", [1, 2, 3]),
    "bytearray": bytearray([1, 2, 3]),
    "ctypes": (ctypes.c_int * 3)(1, 2, 3),
    "ours": layouts.OfArray(np.array([1, 2, 3], "f4").tobytes(), [3]),
}


@pytest.mark.parametrize("object", CONVERTED.values(), ids=CONVERTED)
def test_other_numbers_are_converted(object):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert converted(object) == (False, (3,), [1, 2, 3])
        assert consumer.mean(object) == 2.0


def test_every_shape_is_converted():
    for shape in ((), (0,), (3, 0), (2, 3), (2, 1, 3)):
        ints = np.arange(np.prod(shape, dtype=int)).reshape(shape)
        for given in (ints, ints.T, ints.tolist()):
            # A list of no rows has no other dimension.
            expected = np.asarray(given)
            assert converted(given) == (False, expected.shape, expected.ravel().tolist())
    assert converted(5) == converted(5.0)[:0] + (False, (), [5.0])
    strided = np.arange(24, dtype="f4").reshape(4, 6)[::-1, ::2].T
    assert converted(strided) == (False, (3, 4), strided.ravel().tolist())


@pytest.mark.parametrize("element", ["i8", "u8", "i16", "u32", "i64", "u64", "f32", "f64"])
def test_lists_become_each_number(element):
    assert converted([1, 2, 3], element) == (False, (3,), [1, 2, 3])
    assert converted([], element) == (False, (0,), [])
    assert converted([True, False], element) == (False, (2,), [1, 0])


def test_an_object_with_an_array_method_is_converted():
    class Column:
        def __array__(self, dtype=None, copy=None):
            return np.array([1, 2, 3], dtype)

    assert converted(Column()) == (False, (3,), [1, 2, 3])


def test_arrays_are_elements_of_what_is_converted():
    assert consumer.converted("[f32; 3]", [[1, 2, 3], [4, 5, 6]]) == (False, [2], [[1, 2, 3], [4, 5, 6]])
    columns = np.arange(6, dtype="f4").reshape(3, 2).T
    assert consumer.converted("[f32; 3]", columns) == (False, [2], columns.tolist())
    for wrong in ([1, 2], np.zeros((2, 2), "f4"), np.zeros((2, 2))):
        with pytest.raises(BufferError, match=r"last dimensions are \(3,\) .*x.reshape\(-1, 3\)"):
            consumer.converted("[f32; 3]", wrong)


def test_a_borrowed_view_shows_later_changes_and_a_converted_one_does_not():
    doubles, singles = np.zeros(2), np.zeros(2, "f4")
    assert consumer.call_under_converted(doubles, lambda: doubles.fill(7))[1] == [7, 7]
    shown, items = consumer.call_under_converted(singles, lambda: singles.fill(7))
    assert items == [0, 0]
    assert shown == "ConvertedView { view: BufferView { shape: [2], strides: [8], .. }, borrowed: false }"


def test_only_a_borrowed_view_locks():
    m = edges.Series([1.0])
    with pytest.raises(BufferError, match="1 writable view is alive"):
        consumer.call_under_converted(m, lambda: m.append(2.0))
    m.append(2.0)
    ints = bytearray(3)
    consumer.call_under_converted(ints, lambda: ints.append(1))
    assert len(ints) == 4


def test_a_converted_copy_is_kept_alive():
    import gc

    given = [list(range(1000))]

    def change():
        given.clear()
        gc.collect()
        return [np.full(1000, 9.0) for _ in range(10)]

    assert consumer.call_under_converted(given[0], change)[1] == list(range(1000))


def test_doubles_are_rounded_to_singles_and_big_integers_to_doubles():
    assert converted([0.1], "f32") == (False, (1,), [float(np.float32(0.1))])
    assert converted([2**53 + 1]) == (False, (1,), [2.0**53])


# Refusals.


@pytest.mark.parametrize(
    ("object", "dtype"),
    [
        (["a", "b"], "<U1"),
        ("1.5", "<U3"),
        (["1.5"], "<U3"),
        ([b"1"], "|S1"),
        (np.array(["a"]), "<U1"),
        ([None], "object"),
        (None, "object"),
        ({1: 2}, "object"),
        ({1, 2}, "object"),
        ([decimal.Decimal(1)], "object"),
        (np.array([1.0, None]), "object"),
        ([1j], "complex128"),
        (np.array([1j], "c8"), "complex64"),
        (np.zeros(2, [("a", "i4"), ("b", "f4")]), "[('a', '<i4'), ('b', '<f4')]"),
    ],
)
def test_items_that_are_no_real_numbers_are_refused(object, dtype):
    name = type(object).__name__
    text = (
        f"cannot convert this '{name}' to float64 without loss: its items are of dtype '{dtype}'; pass numbers that "
        "float64 can hold, or convert it first, for example with np.asarray(x, dtype='float64')"
    )
    with pytest.raises(TypeError) as refusal:
        consumer.mean(object)
    assert str(refusal.value) == text


def test_floats_are_no_integers():
    for floats in ([1.5], [1.0], np.array([1.0]), array.array("f", [1])):
        with pytest.raises(
            TypeError, match="to int8 without loss: its items are of dtype 'float(32|64)'; pass numbers"
        ):
            consumer.converted_to_int8(floats)


def test_integers_become_smaller_ones_only_if_all_fit():
    for fitting in ([-128, 127], np.array([-128, 127]), np.array([0, 127], "u8"), [True]):
        assert consumer.converted_to_int8(fitting) == list(fitting)
    for outside in ([128], [0, -129], np.array([255], "u1"), np.array([2**64 - 1], "u8"), np.array([1 << 40])):
        text = f"^cannot convert this '{type(outside).__name__}' to int8: some items do not fit; pass only items that"
        with pytest.raises(ValueError, match=text):
            consumer.converted_to_int8(outside)
    with pytest.raises(ValueError, match="to uint64: some items do not fit"):
        converted([-1], "u64")
    with pytest.raises(ValueError, match="to int64: some items do not fit"):
        converted(np.array([2**63], "u8"), "i64")


def test_rows_of_different_lengths_are_refused():
    # Old versions of numpy make an array of objects, with a warning.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises((ValueError, TypeError), match="^cannot convert this 'list' to float64(:| without loss:)"):
            consumer.mean([[1, 2], [3]])


def test_an_object_that_refuses_its_view_is_not_converted():
    m = edges.Series([1.0])
    m.close()
    with pytest.raises(BufferError, match="^cannot grant a view: it is closed"):
        consumer.mean(m)
    with pytest.raises(ZeroDivisionError):
        consumer.mean(edges.Shaped([1, 2], lambda: 1 / 0))
    liar = consumer.Liar()
    liar.itemsize = 3
    with pytest.raises(BufferError, match="contradicts itself"):
        consumer.mean(liar)
    assert (liar.alive, liar.granted) == (0, 1)


def test_an_exception_in_a_conversion_propagates():
    class Raising:
        def __array__(self, dtype=None, copy=None):
            raise KeyError("raised by __array__")

    with pytest.raises(KeyError, match="raised by __array__"):
        consumer.mean(Raising())


def test_the_argument_is_named():
    for wrong in ("abc", [[1], [2, 3]], edges.Shaped([1, 2], lambda: 5)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises((TypeError, ValueError, BufferError)) as refusal:
                consumer.mean(wrong)
        if hasattr(refusal.value, "add_note"):
            assert refusal.value.__notes__ == ["while processing 'values'"]


def test_other_elements_are_converted_if_numpy_has_a_short_name_for_them():
    assert consumer.converted_to_big([1, 256]) == (False, [1, 256])
    assert consumer.converted_to_big(np.array([1, 256], ">u2")) == (True, [1, 256])
    assert consumer.converted_to_big(np.array([1, 256], "<u2")) == (False, [1, 256])
    assert consumer.converted_to_bytes([b"ab", b"cdef"]) == [b"ab\0\0", b"cdef"]
    with pytest.raises(ValueError, match="to S4: some items do not fit; pass only items that S4 can hold"):
        consumer.converted_to_bytes([b"ab", b"longer"])
    points = np.array([(1, 2)], [("x", "f4"), ("y", "f4")])
    assert consumer.converted_to_points(points) == [(1, 2)]
    with pytest.raises(TypeError, match=re.escape("pass an array of items of format 'T{")):
        consumer.converted_to_points([(1, 2)])


def test_without_numpy_nothing_is_converted():
    script = """
import array, sys
sys.modules["numpy"] = None
from buffer_tests_ext import consumer
print(consumer.mean(array.array("d", [1, 3])))
for other in ([1, 3], array.array("f", [1, 3])):
    try:
        consumer.mean(other)
    except ImportError as error:
        print(error, type(error.__cause__).__name__)
"""
    text = "to float64 without numpy; install numpy, or pass a buffer of items of format 'd' ModuleNotFoundError"
    assert run(script).splitlines() == [
        "2.0",
        f"cannot convert this 'list' {text}",
        f"cannot convert this 'array' {text}",
    ]
