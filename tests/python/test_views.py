"""Views that live for some time: memoryview, ctypes, pickle, and Python's own buffer types."""

import ctypes
import pickle
import struct
import sys

import numpy as np
import pytest
from exporters import each_kind, the_kind

FLOATS = np.arange(1, 7, dtype=np.float32)
CONTENT = FLOATS.tobytes()


def c_ordered():
    return the_kind("vec", "c2", "f32").exporter(CONTENT, 2, 3)


def f_ordered():
    return the_kind("vec", "f2", "f32").exporter(CONTENT, 2, 3)


def read_only():
    return the_kind("vec", "readonly", "f32").exporter(CONTENT)


# memoryview.


def test_memoryview_reads_writes_slices_and_casts():
    m = c_ordered()
    with memoryview(m) as view:
        assert (view.format, view.itemsize, view.nbytes, view.ndim, len(view)) == ("f", 4, 24, 2, 2)
        assert (view.shape, view.strides, view.suboffsets) == ((2, 3), (12, 4), ())
        assert (view.readonly, view.c_contiguous, view.f_contiguous, view.contiguous) == (False, True, False, True)
        assert view.obj is m
        assert view[1, 2] == view[-1, -1] == 6
        view[0, 1] = 20
        assert view.tolist() == [[1, 20, 3], [4, 5, 6]]
        assert view.tobytes().hex() == view.hex() == bytes(m).hex()
        with view.cast("B") as flat:
            assert (flat.shape, flat.itemsize) == ((24,), 1)
            flat[4:8] = struct.pack("f", 30)
            with flat.cast("f", (3, 2)) as other:
                assert other.tolist() == [[1, 30], [3, 4], [5, 6]]
            assert bytes(flat[4:12:4]) == bytes([bytes(m)[4], bytes(m)[8]])
        assert view == np.asarray(m).data
        with pytest.raises(IndexError):
            view[2, 0]
    assert m.views() == 0
    assert np.asarray(m)[0, 1] == 30


def test_memoryview_slices_write_through():
    m = the_kind("vec", "natural", "f32").exporter(CONTENT)
    with memoryview(m) as view:
        view[::2] = memoryview(struct.pack("3f", 0, 0, 0)).cast("f")
        assert view.tolist() == [0, 2, 0, 4, 0, 6]
        assert view[::-1].tolist() == [6, 0, 4, 0, 2, 0]
        assert list(view) == [0, 2, 0, 4, 0, 6]
        assert 4.0 in view


def test_memoryview_of_a_read_only_buffer_cannot_be_written():
    with memoryview(read_only()) as view:
        assert view.readonly
        with pytest.raises(TypeError):
            view[0] = 1
        with pytest.raises(TypeError):
            view.cast("B")[0] = 1


def test_memoryview_of_f_order_cannot_be_cast():
    with memoryview(f_ordered()) as view, pytest.raises(TypeError, match="C-contiguous"):
        view.cast("B")


@pytest.mark.parametrize("element", ["u8", "i8"])
def test_memoryview_of_read_only_bytes_has_a_hash(element):
    m = the_kind("vec", "readonly", element).exporter(b"12345")
    assert hash(memoryview(m)) == hash(b"12345")


def test_memoryview_of_writable_bytes_has_no_hash():
    with pytest.raises(ValueError, match="writable"):
        hash(memoryview(the_kind("vec", "natural", "u8").exporter(b"12345")))


@each_kind(storage="vec", layout="readonly", element=["u16", "i32", "f32", "f64"])
def test_memoryview_of_other_items_has_no_hash(kind):
    with pytest.raises(ValueError, match="formats 'B', 'b' or 'c'"):
        hash(memoryview(kind.make()))


# ctypes.


def test_ctypes_shares_the_memory_while_its_object_lives():
    m = c_ordered()
    floats = (ctypes.c_float * 3).from_buffer(m, 12)
    assert list(floats) == [4, 5, 6]
    floats[0] = 40
    assert np.asarray(m)[1, 0] == 40
    assert m.views() == 1
    with pytest.raises(BufferError):
        m.replace(b"")
    del floats
    m.replace(b"")


def test_ctypes_copies_without_a_lock():
    m = read_only()
    floats = (ctypes.c_float * 6).from_buffer_copy(m)
    assert m.views() == 0
    m.replace(bytes(24))
    assert list(floats) == FLOATS.tolist()


def test_ctypes_reads_no_further_than_the_memory():
    m = c_ordered()
    with pytest.raises(ValueError, match="too small"):
        (ctypes.c_float * 7).from_buffer(m)
    with pytest.raises(ValueError, match="too small"):
        (ctypes.c_float * 6).from_buffer_copy(m, 4)
    assert m.views() == 0


# pickle.


def test_pickle_protocol_5_passes_the_memory_out_of_band():
    m = c_ordered()
    passed = []
    pickled = pickle.dumps(pickle.PickleBuffer(m), protocol=5, buffer_callback=passed.append)
    (buffer,) = passed
    with buffer.raw() as raw:
        assert (raw.format, raw.shape, raw.readonly) == ("B", (24,), False)
        assert raw.tobytes() == CONTENT
    with memoryview(pickle.loads(pickled, buffers=passed)) as loaded:
        assert loaded.obj is m
    buffer.release()
    assert m.views() == 0


@pytest.mark.parametrize(("exporter", "kind"), [(c_ordered, bytearray), (read_only, bytes)])
def test_pickle_protocol_5_copies_in_band(exporter, kind):
    m = exporter()
    with_buffer = pickle.PickleBuffer(m)
    loaded = pickle.loads(pickle.dumps(with_buffer, protocol=5))
    assert type(loaded) is kind
    assert loaded == CONTENT
    assert m.views() == 1
    with_buffer.release()
    assert m.views() == 0


@pytest.mark.parametrize("protocol", range(5))
def test_pickle_below_protocol_5_is_refused(protocol):
    m = c_ordered()
    with pytest.raises(pickle.PicklingError, match="protocol >= 5"):
        pickle.dumps(pickle.PickleBuffer(m), protocol=protocol)
    assert m.views() == 0


def test_pickle_takes_f_order_as_it_is_in_memory():
    m = f_ordered()
    with pickle.PickleBuffer(m).raw() as raw:
        assert (raw.shape, raw.tobytes()) == ((24,), CONTENT)


def test_pickle_refuses_a_slice_that_is_not_contiguous():
    m = the_kind("vec", "natural", "f32").exporter(CONTENT)
    with memoryview(m)[::2] as view, pytest.raises(BufferError, match="non-contiguous"):
        pickle.PickleBuffer(view).raw()


# Python's own buffer types.


@pytest.mark.skipif(sys.version_info < (3, 12), reason="collections.abc.Buffer is of Python 3.12")
@pytest.mark.parametrize("exporter", [c_ordered, f_ordered, read_only])
def test_every_exporter_is_a_buffer_to_python(exporter):
    from collections.abc import Buffer
    from inspect import BufferFlags

    m = exporter()
    assert isinstance(m, Buffer)
    assert issubclass(type(m), Buffer)
    view = m.__buffer__(BufferFlags.FULL_RO)
    assert view.obj is m and view.tobytes(order="A") == CONTENT
    assert m.views() == 1
    m.__release_buffer__(view)
    assert m.views() == 0
