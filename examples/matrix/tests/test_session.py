"""The session of the Cython user guide, and other things that a user of the matrix does with its memory."""

import ctypes
import gc
import hashlib
import io
import struct

import numpy as np
import pytest
from matrix import Matrix


def test_view_fill_refuse_release_grow_view_again():
    m = Matrix(10)
    a = np.asarray(m)
    assert a.shape == (0, 10)
    del a

    m.add_row()
    a = np.asarray(m)
    assert a.shape == (1, 10)
    assert a.dtype == np.float32
    a[:] = 3.0

    with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
        m.add_row()
    assert a.tolist() == [[3.0] * 10]

    del a
    m.add_row()
    assert np.asarray(m).tolist() == [[3.0] * 10, [0.0] * 10]


def test_numpy_uses_the_memory_in_place():
    m = Matrix(3, nrows=2)
    a, b = np.asarray(m), np.asarray(m)
    assert np.shares_memory(a, b)
    assert a.flags.c_contiguous and a.flags.writeable and not a.flags.owndata
    a[1, 2] = 5
    assert b[1, 2] == 5
    assert memoryview(m)[1, 2] == 5


def test_a_refusal_counts_the_views_in_the_way():
    m = Matrix(2, nrows=1)
    with memoryview(m), memoryview(m):
        with pytest.raises(BufferError, match="2 writable views are alive; release or delete every view first"):
            m.add_row()
    m.add_row()


def test_a_refusal_leaves_no_trace():
    m = Matrix(2, nrows=1)
    view = memoryview(m)
    for _ in range(3):
        with pytest.raises(BufferError):
            m.add_row()
    assert (m.nrows, m.ncols, len(m)) == (1, 2, 1)
    view.release()
    m.add_row()
    assert len(m) == 2


def test_a_slice_keeps_the_matrix_locked():
    m = Matrix(2, nrows=2)
    part = np.asarray(m)[1:]
    with pytest.raises(BufferError):
        m.add_row()
    del part
    m.add_row()


def test_memoryview():
    m = Matrix(3, nrows=2)
    with memoryview(m) as view:
        assert (view.format, view.itemsize, view.ndim) == ("f", 4, 2)
        assert (view.shape, view.strides) == ((2, 3), (12, 4))
        assert view.c_contiguous and not view.readonly
        view[1, 0] = 2.5
        assert view.tolist() == [[0, 0, 0], [2.5, 0, 0]]
    assert bytes(m) == struct.pack("6f", 0, 0, 0, 2.5, 0, 0)


def test_consumers_of_plain_bytes():
    m = Matrix(3, nrows=2)
    np.asarray(m)[:] = [[1, 2, 3], [4, 5, 6]]
    expected = struct.pack("6f", 1, 2, 3, 4, 5, 6)
    assert hashlib.sha256(m).digest() == hashlib.sha256(expected).digest()
    file = io.BytesIO()
    assert file.write(m) == len(expected)
    assert file.getvalue() == expected
    assert np.frombuffer(m, "f").tolist() == [1, 2, 3, 4, 5, 6]
    assert io.BytesIO(bytes(24)).readinto(m) == 24
    assert bytes(m) == bytes(24)
    m.add_row()


def test_a_real_file(tmp_path):
    m = Matrix(3, nrows=1)
    np.asarray(m)[:] = 7
    path = tmp_path / "matrix"
    with path.open("wb") as file:
        file.write(m)
    assert path.read_bytes() == struct.pack("3f", 7, 7, 7)


def test_ctypes_locks_until_its_object_dies():
    m = Matrix(3, nrows=1)
    number = ctypes.c_float.from_buffer(m)
    number.value = 4
    with pytest.raises(BufferError):
        m.add_row()
    del number
    m.add_row()
    assert np.asarray(m)[0, 0] == 4


def test_views_outlive_the_matrix():
    m = Matrix(4, nrows=1000)
    a = np.asarray(m)
    a[:] = 9
    del m
    gc.collect()
    assert a.sum() == 9 * 4 * 1000


def test_growing_keeps_the_contents():
    m = Matrix(5)
    for row in range(200):
        m.add_row()
        np.asarray(m)[row] = row
    assert np.asarray(m)[:, 0].tolist() == list(range(200))
