"""torch: a tensor of a numpy array holds a view. A tensor of the object itself does not, and needs `#[buffer(pin)]`."""

import gc
import warnings
import weakref

import numpy as np
import pytest
from buffer_tests_ext import consumer, edges
from buffer_tests_ext.edges import Owner, Pinned, ReadOnlyPinned, Tally
from exporters import KINDS, the_kind

torch = pytest.importorskip("torch", reason="torch is not installed; `pip install torch` adds these tests")

VALUES = [1, 2, 3, 4]
KEEPS_A_VIEW = {
    "from_numpy": lambda m: torch.from_numpy(np.asarray(m)),
    "as_tensor": lambda m: torch.as_tensor(np.asarray(m)),
    "asarray": lambda m: torch.asarray(np.asarray(m)),
    "from_dlpack": lambda m: torch.from_dlpack(np.asarray(m)),
    "frombuffer of an array": lambda m: torch.frombuffer(np.asarray(m), dtype=torch.int32),
    "frombuffer of a memoryview": lambda m: torch.frombuffer(memoryview(m), dtype=torch.int32),
}
# The functions of torch that release the view at once.
KEEPS_AN_ADDRESS = ["frombuffer", "asarray"]


@pytest.mark.parametrize("make", KEEPS_A_VIEW.values(), ids=KEEPS_A_VIEW)
def test_a_tensor_of_an_array_holds_its_view(make):
    m = Owner(VALUES)
    tensor = make(m)
    assert m.views() == 1
    tensor[0] = 70
    assert memoryview(m).tolist() == [70, 2, 3, 4]
    rest = tensor[1:]
    del tensor
    gc.collect()
    with pytest.raises(BufferError, match="1 writable view is alive"):
        edges.grow(m, 1)
    assert rest.tolist() == [2, 3, 4]
    del rest
    gc.collect()
    edges.grow(m, 1)


def test_a_tensor_of_an_array_shows_the_items_of_every_class():
    for kind in KINDS:
        m = kind.make()
        array = np.asarray(m)
        with warnings.catch_warnings():
            # torch warns once in a process about a read-only array.
            warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
            tensor = torch.from_numpy(array)
        assert tensor.tolist() == array.tolist(), kind
        assert tensor.data_ptr() == array.__array_interface__["data"][0], kind


@pytest.mark.parametrize("name", KEEPS_AN_ADDRESS)
def test_a_tensor_of_the_object_holds_none(name):
    m = Owner(VALUES)
    tensor = getattr(torch, name)(m, dtype=torch.int32)
    assert m.views() == 0
    # The memory has not moved, so the tensor may still be written.
    tensor[0] = 70
    assert memoryview(m).tolist() == [70, 2, 3, 4]


@pytest.mark.parametrize("name", KEEPS_AN_ADDRESS)
def test_a_tensor_of_a_pinned_object_is_safe(name):
    tally = Tally()
    m = Pinned(VALUES, tally)
    tensor = getattr(torch, name)(m, dtype=torch.int32)
    assert (m.views(), m.pinned) == (0, True)
    for attempt in ("write", "get_mut", "close", "take", "detach", "into_inner", "read"):
        with pytest.raises(BufferError, match="the memory is pinned, since a writable view of it was granted"):
            m.attempt(attempt)
    m.attempt("share")
    tensor[1] = 20
    assert memoryview(m).tolist() == tensor.tolist() == [70, 20, 3, 4]

    # The tensor keeps the object alive, and with it the memory.
    dead = weakref.ref(m)
    del m
    gc.collect()
    assert (dead() is None, tally.drops) == (False, 0)
    del tensor
    gc.collect()
    assert (dead() is None, tally.drops) == (True, 1)


@pytest.mark.parametrize("name", KEEPS_AN_ADDRESS)
def test_torch_writes_what_is_read_only(name):
    m = ReadOnlyPinned(VALUES)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given buffer is not writable", UserWarning)
        tensor = getattr(torch, name)(m, dtype=torch.int32)
    tensor[0] = 70
    assert memoryview(m).tolist() == [70, 2, 3, 4]


@pytest.mark.parametrize("name", KEEPS_AN_ADDRESS)
def test_what_is_no_c_ordered_memory_is_refused(name):
    m = the_kind("vec", "f2", "f32").make()
    with pytest.raises((RuntimeError, ValueError), match="could not retrieve"):
        getattr(torch, name)(m, dtype=torch.float32)
    assert m.views() == 0


def test_tensors_are_read_and_written_through_their_arrays():
    tensor = torch.tensor([1.5, -2.0, 3.25], dtype=torch.float64)
    assert consumer.read("f64", tensor.numpy()) == [1.5, -2.0, 3.25]
    consumer.fill("f64", tensor[::2].numpy(), 7.0)
    assert tensor.tolist() == [7.0, -2.0, 7.0]
