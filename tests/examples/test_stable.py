"""`consume` checks and holds the memory of `matrix`, a package that was built separately."""

import gc
import threading
import zlib

import numpy as np
import pytest
from consume import Held, checksum, hold
from matrix import Matrix

ALIVE = "1 stable view is alive; release or delete every view first"


def make(rows=3):
    m = Matrix(4)
    for _ in range(rows):
        m.add_row()
    np.asarray(m)[...] = np.arange(4 * rows).reshape(rows, 4)
    return m


@pytest.mark.parametrize("rows", [0, 3, 10_000])
def test_the_checksum_of_a_matrix(rows):
    m = make(rows)
    assert checksum(m) == checksum(m, copy=False) == zlib.crc32(bytes(memoryview(m)))
    # It is not viewed any more.
    m.add_row()


def test_a_matrix_that_is_being_written_is_copied():
    m = make()
    a = np.asarray(m)
    assert checksum(m) == zlib.crc32(a)
    with pytest.raises(BufferError, match="cannot grant a stable view: 1 writable view is alive"):
        checksum(m, copy=False)
    with pytest.raises(BufferError, match="1 writable view is alive"):
        hold(m)


def test_a_matrix_that_is_held_refuses_writers():
    m = make()
    held = hold(m)
    assert type(held) is Held
    assert held.checksum() == checksum(m, copy=False) == zlib.crc32(bytes(memoryview(m)))
    with pytest.raises(BufferError, match=ALIVE):
        m.add_row()
    a = np.asarray(m)
    assert not a.flags.writeable
    with pytest.raises(BufferError, match="2 stable views are alive"), hold(m):
        m.add_row()
    del a
    held.release()
    held.release()
    with pytest.raises(ValueError, match="was released"):
        held.checksum()
    m.add_row()


def test_a_matrix_is_held_for_a_block_or_until_the_holder_dies():
    m = make()
    with hold(m) as held, pytest.raises(BufferError, match=ALIVE):
        m.add_row()
    m.add_row()
    held = hold(m)
    with pytest.raises(BufferError, match=ALIVE):
        m.add_row()
    del held
    gc.collect()
    m.add_row()


class Sub(Matrix):
    pass


def test_a_subclass_is_no_matrix():
    m = Sub(4)
    m.add_row()
    with pytest.raises(BufferError, match="which this 'Sub' cannot promise"):
        hold(m)
    assert checksum(m) == zlib.crc32(bytes(memoryview(m)))


def test_threads_check_one_matrix_at_the_same_time():
    m = make(10_000)
    expected = zlib.crc32(bytes(memoryview(m)))
    found = []
    threads = [threading.Thread(target=lambda: found.append(checksum(m, copy=False))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 8
    m.add_row()
