"""What other libraries see of the tensor, and what it sees of theirs."""

import array
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tensor import Tensor

ALIVE = "1 tensor is alive; delete every tensor first"


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
def test_every_dtype(dtype):
    t = Tensor((2, 3), dtype)
    t.fill(2)
    shown = np.from_dlpack(t)
    assert (shown.dtype, shown.shape, shown.tolist()) == (np.dtype(dtype), (2, 3), [[2] * 3] * 2)
    t.add(np.arange(6, dtype=dtype).reshape(2, 3))
    assert shown.tolist() == [[2, 3, 4], [5, 6, 7]]
    t.add(t)
    assert (shown[1, 2], t.shape, t.dtype) == (14, [2, 3], dtype)


def test_it_is_not_resized_under_a_tensor_or_a_view():
    t = Tensor((2,))
    shown = np.from_dlpack(t)
    with pytest.raises(BufferError, match=ALIVE):
        t.resize((3,))
    assert (t.shape, t.tensors) == ([2], 1)
    t.fill(5)
    assert shown.tolist() == [5, 5]
    del shown
    with memoryview(t), pytest.raises(BufferError, match="1 writable view is alive"):
        t.resize((3,))
    t.resize((3,))
    assert np.asarray(t).tolist() == [5, 5, 0]
    t.resize(())
    assert np.asarray(t)[()] == 5


def test_its_memory_is_aligned_at_every_size():
    t = Tensor((0,))
    for count in range(1, 300):
        t.resize((count,))
        assert np.asarray(t).ctypes.data % 64 == 0
    assert np.asarray(Tensor((3,), aligned=False)).tolist() == [0, 0, 0]


def test_it_adds_buffers_and_tensors():
    class Hidden:
        """As a tensor of torch: no buffer."""

        def __init__(self, shown):
            self.shown = shown

        def __dlpack__(self, **options):
            return self.shown.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.shown.__dlpack_device__()

    t = Tensor((3,), "float64")
    t.add(array.array("d", [1, 2, 3]))
    t.add(Hidden(np.array([10.0, 20, 30])))
    other = Tensor((3,), "float64")
    other.fill(100)
    t.add(Hidden(other))
    assert np.asarray(t).tolist() == [111, 122, 133]
    assert other.tensors == 0
    with pytest.raises(ValueError, match=r"the shapes differ: \[3\] and \[2\]"):
        t.add(np.zeros(2))
    with pytest.raises(BufferError, match="expected items of format 'd'"):
        t.add(np.zeros(3, dtype="f4"))
    with pytest.raises(TypeError):
        t.add(5)


def test_what_is_refused():
    with pytest.raises(ValueError, match="dtype must be"):
        Tensor((1,), "float16")
    for shape in ((2**62,), (2**40, 2**40)):
        with pytest.raises(MemoryError):
            Tensor(shape)
    t = Tensor((2,))
    with pytest.raises(MemoryError):
        t.resize((2**50,))
    assert repr(t) == "<Tensor of shape [2], float32>"


def test_the_demo_runs():
    demo = Path(__file__).parent.parent / "demo.py"
    said = subprocess.run([sys.executable, demo], capture_output=True, text=True, check=True).stdout
    assert f"Rust cannot grow it: cannot resize: {ALIVE}" in said
    assert "Rust adds 1: numpy has [[" in said
    assert "it grows: <Tensor of shape [3, 3], float32>" in said
