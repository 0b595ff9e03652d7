"""Samples, and how they travel within one machine."""

import copy
import gc
import importlib.util
import multiprocessing
import pathlib
import pickle
import sys
import weakref

import numpy as np
import pytest
from fleet import Samples

HERE = pathlib.Path(__file__).parents[1]


def ones(count):
    samples = Samples(count)
    np.asarray(samples)[:] = 1
    return samples


def test_samples_are_an_array():
    samples = ones(4)
    a = np.asarray(samples)
    assert (a.dtype, a.shape, samples.views) == (np.float64, (4,), 1)
    samples.scale(2.5)
    assert (a.tolist(), samples.sum(), len(samples), repr(samples)) == ([2.5] * 4, 10, 4, "<Samples of 4>")
    with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
        samples.append(1)
    del a
    samples.append(1)
    assert samples.sum() == 11


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_samples_are_pickled(protocol):
    back = pickle.loads(pickle.dumps(ones(3), protocol=protocol))
    assert (back.sum(), len(back), back.views) == (3, 3, 0)
    assert copy.deepcopy(back).sum() == copy.copy(back).sum() == 3


def test_frames_are_the_memory():
    samples, frames = ones(1000), []
    data = pickle.dumps(samples, protocol=5, buffer_callback=frames.append)
    assert len(data) < 200
    np.frombuffer(frames[0])[:] = 2
    assert samples.sum() == 2000
    with pytest.raises(BufferError):
        samples.append(1)
    assert pickle.loads(data, buffers=frames).sum() == 2000
    del frames
    samples.append(1)


def arrived(count=1000, shift=0):
    """Samples that have arrived in `bytes`, and these."""
    frames = []
    data = pickle.dumps(ones(count), protocol=5, buffer_callback=frames.append)
    frame = bytes(shift) + bytes(frames[0])
    return pickle.loads(data, buffers=[memoryview(frame)[shift:]]), frame


def address(memory):
    return np.frombuffer(memory, np.uint8).__array_interface__["data"][0]


def test_samples_stay_in_the_memory_in_which_they_arrive():
    samples, frame = arrived()
    assert samples.imported
    a = np.asarray(samples)
    assert (address(a), a.flags.writeable, samples.sum(), len(samples)) == (address(frame), False, 1000, 1000)
    for change in (lambda: samples.append(1), lambda: samples.scale(2)):
        with pytest.raises(BufferError, match="1 read-only view is alive"):
            change()
    del a
    samples.scale(2)
    assert (samples.imported, samples.sum(), bytes(frame) == np.ones(1000).tobytes()) == (False, 2000, True)
    a = np.asarray(samples)
    assert a.flags.writeable and address(a) != address(frame)
    del a
    samples.append(1)
    assert samples.sum() == 2001


def test_samples_go_on_without_a_copy():
    samples, frame = arrived()
    frames = []
    data = pickle.dumps(samples, protocol=5, buffer_callback=frames.append)
    assert address(frames[0]) == address(frame)
    assert address(pickle.loads(data, buffers=frames)) == address(frame)
    assert address(copy.copy(samples)) != address(frame)


def test_misaligned_samples_are_copied():
    samples, frame = arrived(shift=3)
    assert not samples.imported
    assert (samples.sum(), address(samples) % 8) == (1000, 0)


@pytest.mark.parametrize("cut", [slice(1, None), slice(0, -1), slice(0, 8)])
def test_a_frame_that_was_cut_is_refused_or_shorter(cut):
    frames = []
    data = pickle.dumps(ones(10), protocol=5, buffer_callback=frames.append)
    frame = frames[0].raw()[cut]
    if len(frame) % 8:
        with pytest.raises(pickle.UnpicklingError, match="no whole number of elements of 8 bytes"):
            pickle.loads(data, buffers=[frame])
    else:
        assert len(pickle.loads(data, buffers=[frame])) == len(frame) // 8


def test_a_pool_computes_on_samples():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(Samples.sum, [ones(10), ones(20)]) == [10, 20]


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: Samples(-1), ValueError, "count must be from 0 to 2"),
        (lambda: Samples(2**63), ValueError, "count must be from 0 to 2"),
        (lambda: Samples("3"), TypeError, "count must be an integer, not str"),
        (lambda: Samples(2**62), MemoryError, f"no memory for {2**62} samples"),
        (lambda: Samples(1).scale("2"), TypeError, "factor must be a real number, not str"),
        (lambda: Samples(1).append(10**400), ValueError, "sample is too large for a float64"),
    ],
)
def test_arguments(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_the_size_includes_the_samples():
    assert 8000 <= sys.getsizeof(Samples(1000)) < 8200


def test_samples_die():
    samples = Samples(3)
    gone = weakref.ref(samples)
    frames = []
    pickle.dumps(samples, protocol=5, buffer_callback=frames.append)
    del samples, frames
    gc.collect()
    assert gone() is None


def test_the_demo(capsys, monkeypatch):
    spec = importlib.util.spec_from_file_location("demo", HERE / "demo.py")
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    # The engines have tests of their own.
    for name in ("distributed", "ray"):
        monkeypatch.setitem(demo.sys.modules, name, None)
    demo.main(1)
    shown = capsys.readouterr().out
    assert "8 frames; the frames are the samples' memory" in shown
    assert "append: cannot resize: 1 writable view is alive" in shown
    assert "`pip install ray`" in shown
    assert shown.endswith("after all that, <Samples of 16385> grows again\n")
