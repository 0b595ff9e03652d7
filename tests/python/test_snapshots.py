"""`write_or_detach`: views do not stop the writer. They keep the old memory, and Rust continues with a copy."""

import sys
import threading

import numpy as np
import pytest
from buffer_tests_ext.edges import Log


def address(m):
    with memoryview(m) as view:
        return np.asarray(view).ctypes.data


def test_views_keep_what_they_show():
    m = Log([1.0, 2.0])
    array, view = np.asarray(m), memoryview(m)
    m.append(3.0)
    assert (m.views(), array.tolist(), view.tolist()) == (0, [1, 2], [1, 2])
    new = np.asarray(m)
    assert new.tolist() == [1, 2, 3]
    array[0] = 9
    assert (view[0], new[0]) == (9, 1)
    assert not np.shares_memory(array, new)


def test_without_views_nothing_is_copied():
    m = Log([float(number) for number in range(1000)])
    m.append(0)
    before = address(m)
    for _ in range(100):
        m.append(0)
    assert address(m) == before
    array = np.asarray(m)
    m.append(1)
    assert (len(array), address(m) == before) == (1101, False)


def test_a_reader_never_stops_the_writer():
    m = Log([])
    arrays = []
    for number in range(200):
        m.append(number)
        arrays.append(np.asarray(m))
    assert [len(array) for array in arrays] == list(range(1, 201))
    assert all(array[-1] == number for number, array in enumerate(arrays))


@pytest.mark.parametrize("append", ["append", "append_detached"])
def test_a_copy_is_made_while_numpy_writes(append):
    m = Log([0.0] * 200_000)
    array = np.asarray(m)
    done = threading.Event()

    def write():
        number = 0.0
        while not done.is_set():
            number += 1
            array[:] = number

    writer = threading.Thread(target=write)
    writer.start()
    try:
        getattr(m, append)(-1.0)
    finally:
        done.set()
        writer.join(60)
    copy = np.asarray(m)
    assert (len(copy), copy[-1]) == (200_001, -1)
    # Each item is a whole number that was written at some time.
    assert (copy[:-1] == np.floor(copy[:-1])).all() and copy[:-1].max() <= array.max()


def test_a_leaked_guard_and_a_closed_object_refuse():
    m = Log([1.0])
    view = memoryview(m)
    m.leak_a_guard()
    for _ in range(2):
        with pytest.raises(BufferError, match="cannot resize: 1 share guard is alive in Rust"):
            m.append(2)
        view.release()

    m = Log([1.0])
    m.close()
    with pytest.raises(BufferError, match="cannot resize: it is closed"):
        m.append(2)


@pytest.mark.skipif(sys.platform != "linux", reason="counts resident memory as Linux shows it")
def test_old_memory_goes_with_its_last_view():
    def resident():
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * 4096

    m = Log([0.0] * 1_000_000)
    before = resident()
    for _ in range(50):
        array = np.asarray(m)
        m.append(1)
        assert len(array) < 1_000_100
    assert resident() - before < 100_000_000
