"""The array: what it copies, what its views show, and its size."""

import array
import gc
import hashlib
import io
import sys
import weakref

import numpy as np
import pytest
from dynarray import DynArray, Rows

DATA = bytes(range(24))


def agrees_with_its_views(m):
    with memoryview(m) as view:
        shown = (view.format, view.shape, view.strides, view.nbytes, view.readonly)
        assert shown == (m.format, m.shape, m.strides, m.nbytes, m.readonly)
        return view.tolist()


def test_bytes_are_the_default():
    m = DynArray(DATA)
    assert (m.format, m.shape, m.strides, m.nbytes, m.readonly) == ("B", (24,), (1,), 24, False)
    assert agrees_with_its_views(m) == list(DATA)
    assert repr(m) == '<DynArray of format "B" and shape (24,)>'


CUBE = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
SOURCES = {
    "bytes": DATA,
    "bytearray": bytearray(DATA),
    "reversed": memoryview(DATA)[::-1],
    "every third": memoryview(DATA)[1::3],
    "array of another format": array.array("d", [1.0, 2.0]),
    "F order": np.asfortranarray(CUBE),
    "slices": CUBE[:, ::-1, ::2],
    "a scalar": np.array(3.5),
    "nothing": b"",
    "nothing in two dimensions": np.empty((3, 0)),
    "items of a record": np.array([(1, 2.0)], dtype="i,d"),
    "rows": Rows([b"abc", b"def"]),
    "an array": DynArray(DATA, shape=(4, 2), strides=(-2, 9), offset=8),
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_data_is_any_buffer_in_c_order(source):
    assert bytes(DynArray(source)) == memoryview(source).tobytes()


def test_data_is_copied():
    source = bytearray(DATA)
    m = DynArray(source)
    source[0] = 99
    source.append(1)
    assert bytes(m) == DATA
    memoryview(m)[1] = 77
    assert source[1] == 1


def test_data_that_cannot_be_viewed_says_why():
    closed = memoryview(DATA)
    closed.release()
    with pytest.raises(ValueError, match="^data: .*released"):
        DynArray(closed)


@pytest.mark.parametrize(
    ("shape", "strides"),
    [((2, 3, 4), (12, 4, 1)), ((24,), (1,)), ((1, 24, 1), (24, 1, 1)), ((0,), (1,)), ((2, 0, 3), (0, 3, 1)), ((), ())],
    ids=str,
)
def test_strides_are_those_of_c_order_where_none_are_given(shape, strides):
    m = DynArray(DATA, shape=shape)
    assert m.strides == strides
    assert agrees_with_its_views(m) == np.ndarray(shape, np.uint8, DATA).tolist()


def test_no_dimensions():
    m = DynArray(DATA, format="h", shape=(), offset=3)
    assert (m.shape, m.strides, m.nbytes) == ((), (), 2)
    assert agrees_with_its_views(m) == int.from_bytes(DATA[3:5], sys.byteorder)


def test_64_dimensions():
    m = DynArray(DATA, shape=(1,) * 62 + (2, 3), strides=(-5,) * 62 + (3, 1))
    with memoryview(m) as view:
        assert (view.ndim, view.nbytes, view.tobytes()) == (64, 6, DATA[:6])
    assert np.asarray(m).reshape(2, 3).tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0), (5, 0, 7)], ids=str)
@pytest.mark.parametrize("offset", [0, 24])
def test_no_items(shape, offset):
    m = DynArray(DATA, format="d", shape=shape, offset=offset)
    assert (m.nbytes, m.readonly) == (0, False)
    assert agrees_with_its_views(m) == np.empty(shape).tolist()


def test_no_items_between_strides_that_lead_nowhere():
    m = DynArray(b"", format="d", shape=(5, 3, 0), strides=(2**62, -1, 0))
    assert (m.nbytes, m.readonly, m.strides) == (0, False, (2**62, -1, 0))
    with memoryview(m) as view:
        assert (view.shape, view.nbytes) == ((5, 3, 0), 0)


def test_negative_strides():
    m = DynArray(DATA, shape=(2, 3), strides=(-12, -4), offset=23)
    assert not m.readonly
    assert agrees_with_its_views(m) == [[23, 19, 15], [11, 7, 3]]
    memoryview(m)[1, 2] = 99
    assert memoryview(m)[1, 2] == 99


@pytest.mark.parametrize("strides", [(0, 1), (1, 0), (1, 1), (2, 1), (-1, 1)], ids=str)
def test_items_that_overlap_are_read_only(strides):
    m = DynArray(DATA, shape=(3, 3), strides=strides, offset=2)
    assert m.readonly
    expected = np.lib.stride_tricks.as_strided(np.frombuffer(DATA, np.uint8)[2:], (3, 3), strides)
    assert agrees_with_its_views(m) == expected.tolist()
    assert not np.asarray(m).flags.writeable


@pytest.mark.parametrize(("shape", "strides"), [((3, 2), (-4, 6)), ((2, 3), (6, 4)), ((3, 2, 2), (-4, 6, 1))], ids=str)
def test_items_that_interleave_are_writable(shape, strides):
    format = "h" if len(shape) == 2 else "b"
    m = DynArray(DATA, format=format, shape=shape, strides=strides, offset=8)
    assert not m.readonly
    array = np.asarray(m)
    array[...] = np.arange(array.size).reshape(shape)
    assert agrees_with_its_views(m) == np.arange(array.size).reshape(shape).tolist()


def test_read_only_where_it_is_asked_for():
    m = DynArray(DATA, readonly=True)
    assert m.readonly
    agrees_with_its_views(m)
    with pytest.raises(TypeError, match="read-only"):
        memoryview(m)[0] = 1
    with pytest.raises(AttributeError):
        m.readonly = False


def test_the_shape_follows_the_size():
    m = DynArray(DATA, format="i", offset=4)
    assert (m.shape, m.nbytes) == ((5,), 20)
    m.resize(32)
    assert (m.shape, m.nbytes) == ((7,), 28)
    assert agrees_with_its_views(m)[-2:] == [0, 0], "new bytes are 0"
    m.resize(8)
    assert agrees_with_its_views(m) == [int.from_bytes(DATA[4:8], sys.byteorder)]
    m.resize(4)
    assert (m.shape, m.nbytes) == ((0,), 0)
    m.resize(12)
    assert agrees_with_its_views(m) == [0, 0], "what was cut off does not come back"


@pytest.mark.parametrize(
    ("nbytes", "text"),
    [(23, "^nbytes: 19 bytes are no whole number of items"), (3, "^nbytes: the declared offset of 4 bytes is out")],
)
def test_a_size_that_does_not_fit_the_items_changes_nothing(nbytes, text):
    m = DynArray(DATA, format="i", offset=4)
    with pytest.raises(ValueError, match=text):
        m.resize(nbytes)
    assert m.nbytes == 20
    assert bytes(m) == DATA[4:]


def test_items_of_a_given_shape_stay_inside():
    m = DynArray(DATA, format="B", shape=(2, 3), strides=(-8, 2), offset=12)
    expected = agrees_with_its_views(m)
    for nbytes in (16, 0, 11):
        with pytest.raises(ValueError, match="^nbytes: the declared "):
            m.resize(nbytes)
    for nbytes in (17, 1000, 24):
        m.resize(nbytes)
        assert (m.shape, m.nbytes) == ((2, 3), 6)
        assert agrees_with_its_views(m) == expected


@pytest.mark.parametrize("nbytes", [0, 24, 1000])
def test_no_size_changes_while_it_is_viewed(nbytes):
    m = DynArray(DATA)
    view = memoryview(m)
    part = view[3:]
    view.release()
    with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
        m.resize(nbytes)
    assert part.tolist() == list(DATA[3:])
    part.release()
    m.resize(nbytes)
    assert bytes(m) == (DATA + bytes(1000))[:nbytes]


def test_a_view_keeps_the_memory():
    m = DynArray(DATA, shape=(2, 3), offset=1)
    dead = weakref.ref(m)
    view = memoryview(m)
    del m
    gc.collect()
    assert view.tolist() == [[1, 2, 3], [4, 5, 6]]
    view.release()
    gc.collect()
    assert dead() is None


@pytest.mark.parametrize("consume", [hashlib.sha256, np.frombuffer, io.BytesIO().write])
def test_a_refused_request_locks_nothing(consume):
    m = DynArray(DATA, shape=(3, 4), strides=(1, 3), readonly=True)
    with pytest.raises((BufferError, ValueError)):
        consume(m)
    m.resize(100)
