"""Views of objects that export tensors but no buffer: any claim that a producer may make, and its deleter's call."""

import ctypes
import gc

import numpy as np
import pytest
from buffer_tests_ext import consumer, edges
from buffer_tests_ext.edges import Owner
from dltensor import BFLOAT, BOOL, DELETER, FLOAT, INT, LEGACY, READ_ONLY, UINT, USED, VERSIONED, Legacy, Versioned, api

api.PyCapsule_New.restype = ctypes.py_object
api.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]

CPU = (1, 0)


class Producer:
    """Makes tensors of a numpy array, one after the other, with the claims that a test chooses."""

    def __init__(self, array, *, legacy=False, device=CPU, on=CPU, major=1, flags=0, refuses_versions=False, **claims):
        self.array, self.device, self.refuses_versions = array, device, refuses_versions
        self.deleted, self.asked, self.made = 0, [], []
        self.managed = (Legacy if legacy else Versioned)()
        self.name = LEGACY if legacy else VERSIONED
        tensor = self.managed.tensor
        tensor.data = array.ctypes.data
        tensor.device_kind, tensor.device_id = on
        tensor.ndim = array.ndim
        tensor.code = {"i": INT, "u": UINT, "f": FLOAT, "b": BOOL}[array.dtype.kind]
        tensor.bits, tensor.lanes = 8 * array.itemsize, 1
        self.shape = (ctypes.c_int64 * 8)(*array.shape)
        self.strides = (ctypes.c_int64 * 8)(*(stride // array.itemsize for stride in array.strides))
        tensor.shape, tensor.strides = self.shape, self.strides
        if not legacy:
            self.managed.major, self.managed.minor, self.managed.flags = major, 0, flags
        for name, claim in claims.items():
            if name in ("shape", "strides"):
                numbers = getattr(self, name)
                if claim is None:
                    setattr(tensor, name, None)
                else:
                    numbers[: len(claim)] = claim
            else:
                setattr(tensor, name, claim)

        def delete(address):
            assert address == ctypes.addressof(self.managed)
            self.deleted += 1

        self.delete = DELETER(delete)
        self.managed.deleter = self.delete

    def __dlpack__(self, **options):
        self.asked.append(options)
        if self.refuses_versions and options:
            raise TypeError("unexpected keyword argument")
        self.made.append(api.PyCapsule_New(ctypes.addressof(self.managed), self.name, None))
        return self.made[-1]

    def __dlpack_device__(self):
        return self.device


class Hidden:
    """An object of ours behind a producer that exports no buffer."""

    def __init__(self, m):
        self.m = m

    def __dlpack__(self, **options):
        return self.m.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.m.__dlpack_device__()


def total(thing):
    return consumer.sum("f64", thing, "chunks")


def numbers(count=6):
    return np.arange(count, dtype=np.float64)


def test_a_tensor_is_viewed_in_place():
    array = numbers()
    producer = Producer(array)
    consumer.scale(producer, 2.0)
    assert array.tolist() == [0, 2, 4, 6, 8, 10]
    assert (producer.deleted, producer.asked) == (1, [{"max_version": (1, 2)}])
    assert api.PyCapsule_GetName(producer.made[0]) == USED[VERSIONED]
    assert total(producer) == 30
    assert producer.deleted == 2


@pytest.mark.parametrize(
    "array", [numbers(24).reshape(2, 3, 4)[:, ::-1, ::2], numbers(24).reshape(4, 6).T, numbers()[3:3], np.array(5.0)]
)
@pytest.mark.parametrize("legacy", [False, True])
def test_every_layout(array, legacy):
    producer = Producer(array, legacy=legacy)
    assert total(producer) == array.sum()
    assert producer.deleted == 1


def test_strides_may_be_missing():
    producer = Producer(numbers().reshape(2, 3), strides=None)
    assert total(producer) == 15


def test_the_offset_counts_bytes():
    producer = Producer(numbers(), byte_offset=16, shape=[2])
    assert total(producer) == 5


def test_a_producer_that_knows_no_versions():
    producer = Producer(numbers(), legacy=True, refuses_versions=True)
    assert total(producer) == 15
    assert (producer.asked, producer.deleted) == ([{"max_version": (1, 2)}, {}], 1)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"flags": READ_ONLY}, "is read-only; pass an array or a tensor that may be written"),
        (
            {"legacy": True},
            "does not say whether it may be written: its producer does not know DLPack 1.0; use a newer",
        ),
    ],
)
def test_what_may_be_read_only_is_not_written(options, text):
    producer = Producer(numbers(), **options)
    assert total(producer) == 15
    with pytest.raises(BufferError, match=f"^the tensor of this 'Producer' {text}"):
        consumer.scale(producer, 2.0)
    assert producer.deleted == 2


@pytest.mark.parametrize(("options", "readonly"), [({}, False), ({"flags": READ_ONLY}, True), ({"legacy": True}, True)])
def test_a_view_says_whether_the_tensor_may_be_written(options, readonly):
    assert consumer.describe("f64", Producer(numbers(), **options))["readonly"] is readonly


def test_no_items_take_no_memory_whatever_the_other_extents_are():
    producer = Producer(np.empty((1, 1, 0)), shape=[2**31, 2**31, 0], strides=[1, 1, 1])
    assert total(producer) == 0


BUG = "; this is a bug in its producer"
LIES = {
    "device": ({"device": (2, 1)}, "is on the device \\(2, 1\\), not on the CPU; bring it over, as in x.cpu\\(\\)"),
    "device of the tensor": ({"on": (2, 0)}, "is on the device \\(2, 0\\), not on the CPU"),
    "version": ({"major": 2}, "has the version 2.0 of DLPack; only those that begin with 1 are read"),
    "type": (
        {"code": 9},
        "has items of the type \\(code 9, 64 bits, 1 lanes\\), which no buffer has; convert it first",
    ),
    "bits": ({"bits": 4}, "has items of the type \\(code 2, 4 bits, 1 lanes\\)"),
    "lanes": ({"lanes": 4}, "has items of the type \\(code 2, 64 bits, 4 lanes\\)"),
    "no dimension": ({"ndim": -1}, f"has -1 dimensions, and a buffer has 0 to 64{BUG}"),
    "dimensions": ({"ndim": 65}, f"has 65 dimensions, and a buffer has 0 to 64{BUG}"),
    "no shape": ({"shape": None}, f"has no shape{BUG}"),
    "strides": ({"strides": [2**61]}, f"extends over more bytes than memory can have{BUG}"),
    "other items": ({"code": INT}, "expected items of format 'd'"),
    "other size": ({"bits": 32}, "expected items of format 'd'"),
    "negative extent": ({"shape": [-1]}, "contradicts itself: dimension 0 of the shape is negative: -1"),
    "too many items": ({"shape": [2**61]}, "contradicts itself: its items extend over more bytes than memory can have"),
    "a number of items that overflows": (
        {"ndim": 2, "shape": [2**61, 8], "strides": [0, 0]},
        "contradicts itself: its items extend over more bytes",
    ),
    "too large": ({"shape": [2**60 - 1], "strides": [2**59]}, "contradicts itself: its items extend over more bytes"),
    "before memory": ({"strides": [-(2**58)]}, "contradicts itself: its items extend over more bytes"),
    "no data": ({"data": None}, "contradicts itself: buf is NULL, and there are items"),
    "no data, with an offset": ({"data": None, "byte_offset": 64}, "contradicts itself: buf is NULL"),
    "offset": ({"byte_offset": 2**64 - 8}, "contradicts itself: buf is NULL, and there are items"),
    "misaligned": ({"byte_offset": 4}, "this buffer is misaligned"),
}


@pytest.mark.parametrize(("claims", "text"), LIES.values(), ids=LIES)
def test_what_a_producer_may_claim(claims, text):
    producer = Producer(numbers(), **claims)
    for _ in range(3):
        with pytest.raises(BufferError, match=text):
            consumer.scale(producer, 2.0)
    # If no tensor was made, none is deleted.
    assert producer.deleted == len(producer.made) == (0 if "device" in claims else 3)


def test_items_that_share_memory_are_not_written():
    producer = Producer(numbers(), strides=[0])
    assert total(producer) == 0
    with pytest.raises(BufferError, match="items of this buffer share memory"):
        consumer.scale(producer, 2.0)
    assert producer.deleted == 2


def test_objects_that_are_no_tensors():
    class Empty:
        pass

    class Raises(Producer):
        def __dlpack__(self, **options):
            self.asked.append(options)
            raise BufferError("not now")

    class Hides(Producer):
        @property
        def __dlpack__(self):
            raise ValueError("not this way")

    class Other(Producer):
        def __dlpack__(self, **options):
            return 5

    class Taken(Producer):
        def __dlpack__(self, **options):
            return api.PyCapsule_New(ctypes.addressof(self.managed), USED[VERSIONED], None)

    class Odd(Producer):
        def __dlpack_device__(self):
            return "cpu"

    with pytest.raises(TypeError, match="Empty"):
        consumer.scale(Empty(), 2.0)
    with pytest.raises(BufferError, match="not now"):
        consumer.scale(raises := Raises(numbers()), 2.0)
    # Only a `TypeError` may mean that the method knows no versions.
    assert len(raises.asked) == 1
    with pytest.raises(ValueError, match="not this way"):
        consumer.scale(Hides(numbers()), 2.0)
    for odd in (Other, Taken):
        with pytest.raises(
            BufferError, match=f"the __dlpack__ of this '{odd.__name__}' returned no new tensor; this is a"
        ):
            consumer.scale(odd(numbers()), 2.0)
    with pytest.raises(TypeError, match="takes a tuple of two integers"):
        consumer.scale(Odd(numbers()), 2.0)


@pytest.mark.parametrize("flags", [0, READ_ONLY])
def test_a_tensor_is_copied_where_a_stable_slice_is_asked_for(flags):
    array = numbers().reshape(2, 3)
    producer = Producer(array[:, ::-1], flags=flags)
    assert consumer.stable_or_copy(producer) == ([2, 1, 0, 5, 4, 3], [2, 3], False)
    assert producer.deleted == 1
    # Neither is a tensor of memory that promises it as a buffer.
    m = edges.Series([1.0, 2.0])
    assert consumer.stable_or_copy(m)[2]
    assert consumer.stable_or_copy(Hidden(m)) == ([1.0, 2.0], [2], False)
    for tensor in (producer, Hidden(m)):
        with pytest.raises(TypeError, match="a bytes-like object is required"):
            consumer.view_stable(tensor)
    with pytest.raises(BufferError, match="expected items of format 'd'"):
        consumer.stable_or_copy(Producer(np.arange(3)))
    m.append(3.0)


def converted(thing):
    borrowed, shape, items = consumer.converted("f64", thing)
    return borrowed, list(shape), list(items)


def test_a_converted_view_takes_a_tensor_in_place():
    producer = Producer(numbers().reshape(2, 3).T)
    assert converted(producer) == (True, [3, 2], [0, 3, 1, 4, 2, 5])
    assert (len(producer.made), producer.deleted) == (1, 1)


def test_numpy_converts_a_tensor_of_other_items():
    # Older versions of numpy take no others.
    producer = Producer(np.arange(3, dtype=np.float32), legacy=True)
    assert converted(producer) == (False, [3], [0, 1, 2])
    # The tensor that has other items, and the one that numpy took.
    assert (len(producer.made), producer.deleted) == (2, 2)

    class Array(Producer):
        def __array__(self, dtype=None, copy=None):
            return self.array

    producer = Array(np.arange(3, dtype=np.int16))
    assert converted(producer) == (False, [3], [0, 1, 2])
    assert (len(producer.made), producer.deleted) == (1, 1)


def test_numpy_converts_an_array_of_which_there_is_no_tensor():
    class Nulls:
        raised = TypeError("there are nulls")

        def __dlpack__(self, **options):
            raise self.raised

        def __dlpack_device__(self):
            return CPU

        def __array__(self, dtype=None, copy=None):
            return np.array([1, 2])

    assert converted(Nulls()) == (False, [2], [1, 2])
    for error in (BufferError("cannot"), KeyError("broken"), MemoryError()):
        Nulls.raised = error
        with pytest.raises(type(error)) as refused:
            converted(Nulls())
        assert refused.value is error


def test_a_tensor_on_another_device_is_not_converted():
    with pytest.raises(BufferError, match="CPU"):
        converted(Producer(numbers(), device=(2, 0)))


def test_a_deleter_may_be_missing():
    producer = Producer(numbers())
    producer.managed.deleter = DELETER()
    assert total(producer) == 15
    assert producer.deleted == 0


def test_our_own_tensors_come_back():
    m = edges.Series([1.0, 2.0])
    consumer.scale(Hidden(m), 3.0)
    assert memoryview(m).tolist() == [3, 6]
    m.append(1)
    owner = Owner([1])
    with pytest.raises(BufferError, match="expected items of format 'd'"):
        consumer.scale(Hidden(owner), 3.0)
    edges.grow(owner, 2)
    brain = edges.BrainFloats([1.0])
    with pytest.raises(BufferError, match="bfloat16"):
        consumer.scale(Hidden(brain), 3.0)
    assert (brain.tensors(), BFLOAT) == (0, 4)
    gc.collect()
