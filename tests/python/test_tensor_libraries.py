"""Libraries that make tensors of our memory. Each test needs a library, and is skipped without it."""

import gc
import struct
import threading

import numpy as np
import pytest
from buffer_tests_ext import edges, layouts
from buffer_tests_ext.edges import Owner, ReadOnlyOwner

ALIVE = "1 tensor is alive"


def library(name):
    return pytest.importorskip(name, reason=f"{name} is not installed; `pip install {name}` adds these tests")


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
