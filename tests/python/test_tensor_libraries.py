"""Libraries that make tensors of our memory. Each test needs a library, and is skipped without it."""

import gc
import struct
import threading

import nanobinds
import numpy as np
import pytest
from buffer_tests_ext import consumer, edges, layouts
from buffer_tests_ext.edges import Owner, ReadOnlyOwner, Tally

ALIVE = "1 tensor is alive"


def library(name, package=None):
    package = package or name
    return pytest.importorskip(name, reason=f"{name} is not installed; `pip install {package}` adds these tests")


def torch_whose_tensors(have_flags):
    """A version of torch that knows the flags of DLPack 1.0, or one that does not."""
    torch = library("torch")
    try:
        torch.ones(1).__dlpack__(max_version=(1, 0))
        found = True
    except TypeError:
        found = False
    if found != have_flags:
        pytest.skip(f"the tensors of torch {torch.__version__} have {'' if found else 'no '}flags")
    return torch


@pytest.fixture(scope="module")
def nanobind_consumer(tmp_path_factory):
    library("nanobind")
    try:
        return nanobinds.build(tmp_path_factory.mktemp("nanobind"))
    except nanobinds.NotBuilt as reason:
        pytest.skip(str(reason))


def unlocked_by_clearing(held, grow):
    """Whether a tensor locks the memory until its only reference, in this list, is dropped on another thread."""
    gc.collect()
    with pytest.raises(BufferError, match=ALIVE):
        grow()
    thread = threading.Thread(target=held.clear)
    thread.start()
    thread.join()
    gc.collect()
    grow()
    return True


def test_array_api_strict_shows_the_memory():
    xp = library("array_api_strict")
    m = Owner([1, 2, 3])
    held = [xp.from_dlpack(m)]
    assert (held[0].shape, held[0].dtype) == ((3,), xp.int32)
    memoryview(m)[1] = 20
    assert int(xp.sum(held[0])) == 24
    held[0] = held[0][1:]
    assert unlocked_by_clearing(held, lambda: edges.grow(m, 4))


def test_pyarrow_shows_the_memory():
    pa = library("pyarrow")
    if not hasattr(pa.Tensor, "from_dlpack"):
        pytest.skip("this pyarrow makes no tensor of a DLPack one")
    for m, writable in [(Owner([1, 2, 3]), True), (ReadOnlyOwner([1, 2, 3]), False)]:
        held = [pa.Tensor.from_dlpack(m)]
        assert (held[0].shape, held[0].type, held[0].is_mutable) == ((3,), pa.int32(), writable)
        assert held[0].to_numpy().ctypes.data == np.asarray(m).ctypes.data
        assert unlocked_by_clearing(held, lambda m=m: edges.grow(m, 4))


@pytest.mark.filterwarnings("ignore")
def test_jax_shows_aligned_memory_after_each_growth():
    jax = library("jax")
    m = layouts.Aligned(struct.pack("3f", 1, 2, 3))
    for count in range(1, 50):
        held = [jax.dlpack.from_dlpack(m, copy=False)]
        assert held[0].unsafe_buffer_pointer() == np.asarray(m).ctypes.data
        assert float(held[0].sum()) == float(np.asarray(m).sum())
        assert unlocked_by_clearing(held, lambda count=count: m.replace(struct.pack(f"{count}f", *range(count))))


@pytest.mark.filterwarnings("ignore")
def test_jax_copies_other_memory():
    jax = library("jax")
    m = Owner([1, 2, 3])
    array = jax.dlpack.from_dlpack(m)
    assert array.tolist() == [1, 2, 3]
    with pytest.raises(BufferError, match="the memory is read-only"):
        jax.dlpack.from_dlpack(ReadOnlyOwner([1, 2]))


@pytest.mark.filterwarnings("ignore")
def test_torch_shows_the_memory():
    torch = library("torch")
    m = Owner([1, 2, 3])
    held = [torch.from_dlpack(m)]
    held[0].add_(1)
    assert (memoryview(m).tolist(), held[0].data_ptr()) == ([2, 3, 4], np.asarray(m).ctypes.data)
    held[0] = held[0][1:]
    assert unlocked_by_clearing(held, lambda: edges.grow(m, 4))
    assert torch.from_dlpack(edges.BrainFloats([1.0, 2.5])).tolist() == [1.0, 2.5]


@pytest.mark.filterwarnings("ignore")
def test_torch_ignores_that_memory_is_read_only():
    torch = torch_whose_tensors(have_flags=True)
    m = ReadOnlyOwner([1, 2])
    tensor = torch.from_dlpack(m)
    tensor[0] = 70
    assert memoryview(m).tolist() == [70, 2]
    copy = torch.from_dlpack(m, copy=True)
    copy[1] = 80
    assert memoryview(m).tolist() == [70, 2]


@pytest.mark.filterwarnings("ignore")
def test_tensors_of_torch_are_viewed_in_place():
    torch = torch_whose_tensors(have_flags=True)
    tensor = torch.arange(6, dtype=torch.float64)
    consumer.scale(tensor, 2.0)
    assert tensor.tolist() == [0, 2, 4, 6, 8, 10]
    consumer.scale(tensor.reshape(2, 3).T, 0.5)
    assert tensor.tolist() == [0, 1, 2, 3, 4, 5]
    assert consumer.stable_or_copy(tensor) == ([0, 1, 2, 3, 4, 5], [6], False)
    with pytest.raises(BufferError, match="requires? grad"):
        consumer.scale(torch.ones(2, dtype=torch.float64, requires_grad=True), 2.0)
    with pytest.raises(BufferError, match="items of this buffer share memory"):
        consumer.scale(torch.ones(1, dtype=torch.float64).expand(3), 2.0)


@pytest.mark.filterwarnings("ignore")
def test_tensors_of_torch_are_read_in_place():
    torch = library("torch")
    tensor = torch.arange(6, dtype=torch.float64)
    assert consumer.sum("f64", tensor.reshape(2, 3).T, "chunks") == 15
    assert consumer.converted("f64", tensor)[0]
    assert consumer.converted("f64", tensor.to(torch.int16))[0] is False
    assert consumer.converted("f64", tensor.to(torch.int16))[2] == [0, 1, 2, 3, 4, 5]


@pytest.mark.filterwarnings("ignore")
def test_an_old_torch_gets_no_read_only_memory_and_gives_none_to_write():
    torch = torch_whose_tensors(have_flags=False)
    with pytest.raises(BufferError, match="the memory is read-only"):
        torch.from_dlpack(ReadOnlyOwner([1, 2]))
    tensor = torch.ones(2, dtype=torch.float64)
    with pytest.raises(BufferError, match="its producer does not know DLPack 1.0"):
        consumer.scale(tensor, 2.0)
    consumer.scale(tensor.numpy(), 2.0)
    assert tensor.tolist() == [2, 2]


def test_mlx_copies_the_memory():
    mx = library("mlx.core", "mlx[cpu]")
    m = Owner([1, 2, 3])
    array = mx.from_dlpack(m)
    mx.eval(array)
    memoryview(m)[0] = 10
    assert array.tolist() == [1, 2, 3]
    edges.grow(m, 4)
    assert mx.from_dlpack(ReadOnlyOwner([1, 2])).tolist() == [1, 2]
    brain = mx.from_dlpack(edges.BrainFloats([1.0, 2.5]))
    assert (brain.dtype, brain.tolist()) == (mx.bfloat16, [1.0, 2.5])


def test_arrays_of_mlx_are_viewed_in_place():
    mx = library("mlx.core", "mlx[cpu]")
    array = mx.arange(6, dtype=mx.int8)
    address = np.asarray(array).ctypes.data
    assert consumer.converted("i8", array) == (True, [6], [0, 1, 2, 3, 4, 5])
    assert np.asarray(array).ctypes.data == address
    assert list(consumer.converted("f64", array.reshape(2, 3).T)[2]) == [0, 3, 1, 4, 2, 5]


def test_tensors_of_pyarrow_are_viewed_in_place():
    pa = library("pyarrow")
    array = np.arange(4.0)
    assert consumer.sum("f64", pa.array(array), "chunks") == 6
    assert consumer.stable_or_copy(pa.array(array)) == ([0, 1, 2, 3], [4], False)


def test_nanobind_reads_and_writes_the_memory(nanobind_consumer):
    m = Owner([1, 2, 3])
    nanobind_consumer.fill(m, 7)
    assert (memoryview(m).tolist(), nanobind_consumer.total(m)) == ([7, 7, 7], 21)
    assert nanobind_consumer.address(m) == np.asarray(m).ctypes.data
    edges.grow(m, 4)


def test_nanobind_honours_what_is_read_only(nanobind_consumer):
    m = ReadOnlyOwner([1, 2, 3])
    with pytest.raises(TypeError, match="incompatible function arguments"):
        nanobind_consumer.fill(m, 7)
    assert (memoryview(m).tolist(), nanobind_consumer.total(m)) == ([1, 2, 3], 6)


def test_a_tensor_of_nanobind_outlives_the_object(nanobind_consumer):
    tally = Tally()
    m = Owner([1, 2, 3], tally)
    nanobind_consumer.keep(m)
    with pytest.raises(BufferError, match=ALIVE):
        edges.grow(m, 4)
    memoryview(m)[0] = 10
    del m
    gc.collect()
    assert (nanobind_consumer.total_kept(), tally.drops) == (15, 0)
    nanobind_consumer.drop_on_a_thread()
    # The storage's drop may run code, which a deleter must not: the next tensor frees it.
    Owner([1]).__dlpack__()
    assert tally.drops == 1
