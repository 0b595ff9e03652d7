"""numpy's array of a view equals numpy's own array of the same layout over the same bytes."""

import struct

import numpy as np
import pytest
from drawn import MEMORY, NOT_OF_STRUCT, ORDERS, layouts
from dynarray import DynArray
from hypothesis import given

KINDS = {"?": "b", **dict.fromkeys("bhilq", "i"), **dict.fromkeys("BHILQ", "u"), **dict.fromkeys("efd", "f")}
DTYPES = {
    **{order + code: f"{order.strip('@')}{kind}{struct.calcsize(order + code)}".replace("!", ">")
       for order in ORDERS for code, kind in KINDS.items()},
    "c": "S1",
    "3s": "S3",
    "Zf": "c8",
    "Zd": "c16",
    ">Zd": ">c16",
    "T{i:a:d:b:}": {"names": ["a", "b"], "formats": ["i", "d"], "offsets": [0, 8], "itemsize": 16},
    "T{>H:a:3s:b:}": [("a", ">u2"), ("b", "S3")],
}  # fmt: skip
assert set(NOT_OF_STRUCT) < set(DTYPES)
FLAGS = ["C_CONTIGUOUS", "F_CONTIGUOUS", "WRITEABLE", "ALIGNED"]


def array_of_its_own(layout, address, readonly):
    """numpy's own array of this layout, over memory with the same alignment as `address`."""
    memory = np.empty(layout.size + 64, np.uint8)
    memory = memory[(address - memory.ctypes.data) % 64 :][: layout.size]
    memory[:] = list(MEMORY[: layout.size])
    memory.flags.writeable = not readonly
    return np.ndarray(
        layout.full_shape, np.dtype(DTYPES[layout.format]), memory.data, layout.offset, layout.full_strides
    )


def check(layout):
    m = DynArray(MEMORY[: layout.size], **layout.keywords)
    assert m.readonly == (layout.readonly or layout.overlaps())
    array = np.asarray(m)
    expected = array_of_its_own(layout, array.ctypes.data - layout.offset, m.readonly)
    assert (array.dtype, array.shape) == (expected.dtype, expected.shape)
    assert {name: array.flags[name] for name in FLAGS} == {name: expected.flags[name] for name in FLAGS}
    # numpy may change the strides of empty arrays and of axes with one index.
    if array.size:
        moving = [axis for axis, extent in enumerate(array.shape) if extent > 1]
        assert [array.strides[axis] for axis in moving] == [expected.strides[axis] for axis in moving]
    assert array.tolist() == expected.tolist()
    places = layout.places()
    assert memoryview(m).tobytes() == b"".join(MEMORY[place : place + layout.itemsize] for place in places)


# With offsets in multiples of the itemsize, as in an ordinary array, and with arbitrary offsets.
@given(layout=layouts(list(DTYPES)) | layouts(list(DTYPES), unit=1))
def test_numpy_shows_what_it_would_make_of_the_same_memory(layout):
    for variant in layout.variants():
        check(variant)


def test_writing_an_array_writes_the_memory():
    m = DynArray(bytes(24), format=">h", shape=(2, 3), strides=(-12, 4), offset=12)
    array = np.asarray(m)
    array[:] = [[1, 2, 3], [4, 5, 6]]
    assert np.asarray(m).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert np.shares_memory(np.asarray(m), array)
    with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
        m.resize(25)
    del array
    m.resize(25)
