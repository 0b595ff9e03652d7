"""numpy as a consumer: it shows the memory in place, and copies on request."""

import hashlib
import io

import numpy as np
import pytest
from buffer_tests_ext import layouts
from exporters import the_kind

FLOATS = np.arange(1, 7, dtype=np.float32)
CONTENT = FLOATS.tobytes()
OTHER = FLOATS[::-1].tobytes()


def c_ordered():
    return the_kind("vec", "c2", "f32").exporter(CONTENT, 2, 3)


def f_ordered():
    return the_kind("vec", "f2", "f32").exporter(CONTENT, 2, 3)


def read_only():
    return the_kind("vec", "readonly", "f32").exporter(CONTENT)


@pytest.mark.parametrize("exporter", [c_ordered, f_ordered])
def test_asarray_shows_the_memory_itself(exporter):
    m = exporter()
    a = np.asarray(m)
    assert (a.shape, a.dtype, a.ndim, a.nbytes) == ((2, 3), np.float32, 2, 24)
    assert a.flags.writeable and a.flags.aligned and not a.flags.owndata
    a += 1
    assert bytes(memoryview(m).tobytes(order="A")) == (FLOATS + 1).tobytes()
    assert m.views() == 1


def test_asarray_with_a_dtype_converts_a_copy():
    m = c_ordered()
    a = np.asarray(m, dtype=np.float64)
    assert a.dtype == np.float64 and a.flags.owndata
    assert a.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert m.views() == 0
    same = np.asarray(m, dtype="f4")
    assert np.shares_memory(same, np.asarray(m))


@pytest.mark.parametrize(
    "copy",
    [np.array, np.copy, lambda m: np.asarray(m).copy(), lambda m: np.asarray(m, order="F")],
    ids=["array", "copy", "method", "order"],
)
def test_a_copy_is_independent_of_the_memory(copy):
    m = c_ordered()
    a = copy(m)
    assert a.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert m.views() == 0
    a[:] = 0
    assert bytes(m) == CONTENT


def test_frombuffer_shows_the_memory_in_one_dimension():
    m = c_ordered()
    a = np.frombuffer(m, np.float32)
    assert a.tolist() == FLOATS.tolist()
    assert a.flags.writeable
    a[0] = 10
    assert np.asarray(m)[0, 0] == 10
    assert np.frombuffer(m, "u1").tobytes() == bytes(m)
    assert np.frombuffer(m, "f4", count=2, offset=16).tolist() == [5, 6]
    assert not np.frombuffer(read_only(), np.float32).flags.writeable
    assert m.views() == 1


def test_frombuffer_refuses_f_order():
    m = f_ordered()
    with pytest.raises((BufferError, ValueError), match="not C-contiguous"):
        np.frombuffer(m, np.float32)
    assert m.views() == 0


def test_ufuncs_read_the_object_and_write_a_view():
    m = c_ordered()
    assert np.add(m, 1).tolist() == [[2, 3, 4], [5, 6, 7]]
    assert np.sum(m) == 21
    assert np.maximum(m, f_ordered()).tolist() == [[1, 3, 5], [4, 5, 6]]
    assert m.views() == 0
    a = np.asarray(m)
    assert np.multiply(m, 2, out=a) is a
    assert bytes(m) == (FLOATS * 2).tobytes()


def test_arrays_are_assigned_from_the_object():
    m = c_ordered()
    a = np.zeros((2, 3), np.float32)
    a[:] = m
    assert a.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert np.concatenate([m, m]).shape == (4, 3)
    assert np.stack([m, f_ordered()]).tolist() == [[[1, 2, 3], [4, 5, 6]], [[1, 3, 5], [2, 4, 6]]]
    np.copyto(np.asarray(m), a + 1)
    assert bytes(m) == (FLOATS + 1).tobytes()
    assert m.views() == 0


@pytest.mark.parametrize("exporter", [c_ordered, f_ordered, read_only])
def test_save_and_load(exporter):
    file = io.BytesIO()
    np.save(file, exporter())
    file.seek(0)
    assert np.array_equal(np.load(file), np.asarray(exporter()))


def test_a_read_only_buffer_stays_read_only_in_numpy():
    m = read_only()
    a = np.asarray(m)
    assert not a.flags.writeable
    with pytest.raises(ValueError, match="WRITEABLE"):
        a.setflags(write=True)
    with pytest.raises(ValueError, match="read-only"):
        a[0] = 1
    with pytest.raises(ValueError):
        np.add(a, 1, out=a)
    assert bytes(m) == CONTENT


def test_an_array_written_by_numpy_is_read_by_all_others():
    m = c_ordered()
    np.asarray(m)[...] = np.frombuffer(OTHER, np.float32).reshape(2, 3)
    assert bytes(m) == OTHER
    assert hashlib.sha256(m).digest() == hashlib.sha256(OTHER).digest()


# `__array__`, which numpy calls after a view was refused.

NUMPY_2 = int(np.__version__.split(".")[0]) >= 2


def test_array_method_shows_the_memory():
    m = c_ordered()
    for a in m.__array__(), m.__array__(None), m.__array__(dtype=None, copy=None), m.__array__("f4", copy=False):
        assert np.shares_memory(a, np.asarray(m))
        assert (a.shape, a.dtype) == ((2, 3), np.float32)


def test_array_method_converts_and_copies():
    m = c_ordered()
    a = m.__array__("f8")
    assert (a.dtype, a.tolist()) == (np.float64, [[1, 2, 3], [4, 5, 6]])
    b = m.__array__(copy=True)
    assert (b.dtype, b.flags.owndata) == (np.float32, True)
    assert m.views() == 0


@pytest.mark.skipif(not NUMPY_2, reason="numpy 1 copies where it has to, whatever `copy` says")
def test_array_method_refuses_a_conversion_without_a_copy():
    with pytest.raises(ValueError, match="copy"):
        c_ordered().__array__("f8", copy=False)
    with pytest.raises(ValueError, match="copy"):
        np.asarray(c_ordered(), dtype="f8", copy=False)


def test_array_method_has_no_other_arguments():
    m = c_ordered()
    with pytest.raises(TypeError):
        m.__array__("f4", None, None)
    # numpy checks the arguments.
    with pytest.raises((TypeError, ValueError)):
        m.__array__(copy="yes")
    with pytest.raises(TypeError):
        m.__array__("no such type")


def test_array_method_is_left_out_where_the_class_says_so():
    m = layouts.NoArray(CONTENT)
    assert not hasattr(m, "__array__")
    assert hasattr(layouts.TupleStruct, "__array__")
    assert np.asarray(m).tolist() == FLOATS.tolist()


def test_array_method_raises_what_the_view_does():
    m = layouts.Inferred(CONTENT, 4)
    for consume in np.asarray, np.array, type(m).__array__:
        with pytest.raises(BufferError, match="no multiple of"):
            consume(m)
