"""The sum of int32, compared with numpy's."""

import ctypes
import sys
import threading

import numpy as np
import pytest
from consume import sum_array
from layouts import arrays, exporters, indirect

ITEMS = [1, -2, 3, 2**31 - 1, -(2**31), 7]


@pytest.mark.parametrize("seed", range(5))
def test_every_layout(seed):
    for a in arrays("i", seed):
        total = sum_array(a)
        assert type(total) is int
        assert total == a.sum(dtype="i8"), (a.shape, a.strides)


@pytest.mark.parametrize("name", exporters("i", ITEMS))
def test_every_exporter(name):
    assert sum_array(exporters("i", ITEMS)[name]) == sum(ITEMS)


def test_rows_behind_pointers():
    items = list(range(-5, 19))
    rows = indirect("i", items, [4, 6])
    assert sum_array(rows) == sum(items)
    assert sum_array(indirect("i", items, [2, 3, 4])) == sum(items)
    assert sum_array(rows[1:3]) == sum(items[6:18])
    assert sum_array(rows[::-1, ::2]) == sum(items[::2])


def test_lengths_around_a_chunk():
    for n in (0, 1, 15, 16, 17, 1023, 1024, 1025, 9_999, 10_000, 10_001, 100_003):
        a = np.arange(-5, n - 5, dtype=np.int32)
        assert sum_array(a) == sum(range(-5, n - 5))
        assert sum_array(a[::-1]) == sum(range(-5, n - 5))


def test_no_dimensions():
    assert sum_array(np.array(-7, np.int32)) == -7
    assert sum_array(np.int32(7)) == 7
    assert sum_array(ctypes.c_int32(8)) == 8


def test_read_only():
    a = np.arange(5, dtype=np.int32)
    a.flags.writeable = False
    assert sum_array(a) == 10


def test_a_sum_beyond_64_bits():
    least = np.full(1, -(2**31), np.int32)
    assert sum_array(np.repeat(least, 100_000)) == -(2**31) * 100_000
    many = np.broadcast_to(least, (2**16 + 1, 2**16))
    assert sum_array(many) == -(2**31) * (2**32 + 2**16) < -(2**63)


@pytest.mark.parametrize("wrong", [None, 3, [1, 2], "12", (1, 2), {1}], ids=repr)
def test_what_is_no_buffer(wrong):
    with pytest.raises(TypeError, match="^pass .*: a bytes-like object is required, not '.*'$"):
        sum_array(wrong)


@pytest.mark.parametrize("dtype", ["i8", "u4", "i2", "f4", "?", ">i4", "i4,i4", "S4"])
def test_other_items_are_named_beside_those_expected(dtype):
    a = np.zeros(3, dtype)
    if sys.byteorder == "big" and dtype == ">i4":
        a = np.zeros(3, "<i4")
    with pytest.raises(BufferError) as refusal:
        sum_array(a)
    given = memoryview(a).format
    assert f"expected items of format 'i' (i32), but this buffer has '{given}'" in str(refusal.value)
    assert "np.asarray(x, dtype='int32')" in str(refusal.value)


def test_items_that_are_not_aligned():
    packed = np.zeros(3, np.dtype([("a", "u1"), ("b", "i4")]))["b"]
    with pytest.raises(BufferError, match="misaligned"):
        sum_array(packed)


def test_arguments():
    with pytest.raises(TypeError):
        sum_array()
    with pytest.raises(TypeError):
        sum_array(obj=b"")


def test_nothing_stays_viewed():
    b = bytearray(b"abcd")
    assert sum_array(memoryview(b).cast("i")) == int.from_bytes(b"abcd", sys.byteorder)
    with pytest.raises(BufferError):
        sum_array(b)
    b.append(1)


def test_other_threads_run_meanwhile():
    """Threads do not switch by themselves in this test, so another thread runs only while the sum is detached."""
    many = np.zeros(50_000_000, np.int32)
    ticks = 0
    seen = set()

    def work():
        before = ticks
        assert sum_array(many) == 0
        seen.add(ticks - before)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    try:
        # On a busy machine the other thread may run too late, but not every time.
        for _ in range(100):
            thread = threading.Thread(target=work)
            thread.start()
            ticks += 1
            thread.join()
            if 1 in seen:
                return
    finally:
        sys.setswitchinterval(interval)
    pytest.fail("no other thread ever ran during the sum")
