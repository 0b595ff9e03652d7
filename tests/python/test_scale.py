"""Large numbers of requests, of simultaneous views, and of threads. No memory is leaked and no count is lost."""

import sys
import threading

import apart
import numpy as np
import pytest
from buffer_tests_ext import edges
from buffer_tests_ext.edges import Series

# Measures the peak memory of the process, in bytes.
GROWTH = """
import sys
resource = __import__("resource")

def peak():
    if sys.platform == "linux":
        # On Linux, `ru_maxrss` starts at the peak of the process that started this one.
        with open("/proc/self/status", encoding="ascii") as file:
            (kilobytes,) = (line.split()[1] for line in file if line.startswith("VmHWM:"))
        return int(kilobytes) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
"""

# Less than the smallest possible leak of a million repetitions, and more than the error of the kernel's count.
LITTLE = 2**23

measured = pytest.mark.skipif(sys.platform == "win32", reason="the module `resource` is needed to see the memory")


@measured
@pytest.mark.parametrize("beside_another", [False, True])
def test_ten_million_pairs_leave_nothing(beside_another):
    growth = apart.run(
        GROWTH
        + """
from buffer_tests_ext import edges

m = edges.Series([1.0, 2.0, 3.0])
held = memoryview(m) if sys.argv[1] == "True" else None
edges.pairs(m, 100_000, 0x11D)
before = peak()
edges.pairs(m, 5_000_000, 0x11D)
assert m.views() == (held is not None)
print(peak() - before)
held = None
m.append(4.0)
""",
        beside_another,
    )
    assert int(growth) < LITTLE


@measured
def test_a_million_views_at_once_are_counted_and_cost_no_memory_of_ours():
    growth = apart.run(
        GROWTH
        + """
from buffer_tests_ext import edges

COUNT = 1_000_000
m = edges.Series([1.0, 2.0, 3.0])
crowd = edges.Crowd(COUNT)
first = memoryview(m)
before = peak()
crowd.fill(m, 0x11D)
growth = peak() - before
assert len(crowd) == COUNT
assert m.views() == COUNT + 1
assert m.why_not_write() == (COUNT + 1, False)
try:
    m.append(4.0)
except BufferError as refusal:
    assert str(refusal).startswith(f"cannot resize: {COUNT + 1} writable views are alive")
crowd.release(COUNT - 1)
first.release()
assert m.views() == 1
assert m.why_not_write() == (1, False)
crowd.release(1)
assert m.views() == 0
m.append(4.0)
print(growth)
"""
    )
    assert int(growth) < LITTLE


def test_a_full_count_refuses_and_loses_nothing():
    # The free-threaded lock counts 2^20 - 1 views of each kind. The other lock counts 2^31 - 1 writable and 2^30 - 1
    # read-only views: too many for a test.
    m = Series([1.0])
    crowd = edges.Crowd(2**20)
    try:
        crowd.fill(m, 0x11D)
    except BufferError as refusal:
        assert str(refusal) == "cannot grant a writable view: too many views or guards are alive; release some first"
        assert len(crowd) == 2**20 - 1
    assert m.views() == len(crowd)
    crowd.release(len(crowd))
    assert m.views() == 0
    m.append(2.0)


def test_python_threads_cannot_lose_a_count_or_see_memory_that_moved():
    m = Series([0.0])
    wrong, refused, grown = [], [], []
    start = threading.Barrier(6)

    def view():
        start.wait(60)
        for _ in range(2000):
            array = np.asarray(m)
            if array.size < 1 or array[0] != 0.0 or array[-1] != 0.0:
                wrong.append(array.copy())

    def grow():
        start.wait(60)
        for _ in range(2000):
            try:
                m.append(0.0)
                grown.append(None)
                m.shrink()
            except BufferError as refusal:
                refused.append(str(refusal))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=target) for target in (view, view, view, grow, grow, grow)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(interval)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []
    assert m.views() == 0
    assert len(m) == 1 + len(grown)
    assert all(text.startswith("cannot resize: ") for text in refused)


# With few threads the count often returns to 0, with many it seldom does.
@pytest.mark.parametrize("threads", [2, 3, 8])
def test_rust_threads_hammer_one_cell(threads):
    granted = apart.run(
        """
import sys
from buffer_tests_ext import edges
sys.setswitchinterval(1e-5)
m = edges.Series([0.0] * 10)
granted = edges.hammer(m, int(sys.argv[1]), 5000)
assert m.views() == 0
m.append(1.0)
print(*granted)
""",
        threads,
    )
    views, reads, shares, writes, refusals = map(int, granted.split())
    assert min(views, reads, shares, writes, refusals) > 0


def test_views_pass_from_thread_to_thread():
    m = Series([0.0] * 4)
    queue = []
    wake = threading.Condition()

    def give():
        for _ in range(500):
            with wake:
                queue.append(memoryview(m))
                wake.notify()
        with wake:
            queue.append(None)
            wake.notify()

    def take():
        while True:
            with wake:
                assert wake.wait_for(lambda: queue, 60)
                view = queue.pop(0)
            if view is None:
                return
            assert view.tolist() == [0.0] * 4
            view.release()

    threads = [threading.Thread(target=target) for target in (give, take)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert m.views() == 0
