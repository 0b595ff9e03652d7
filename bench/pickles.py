"""Pickles out of band: how long this project takes for an object, as a multiple of numpy's time for an array of as many
bytes.

Both sides take turns in one process. numpy's arrays show what arrived, and objects of this project copy it. So what is
loaded is also compared with numpy and a copy.
"""

import pickle
import statistics
import sys
import time

import peers
from bulk import enough_memory

# The highest multiples of numpy's time that are allowed. A row without one is shown only for comparison.
SMALL, LARGE = 1 << 10, 1 << 30
BUDGET, BUDGET_OF_COPIES = 1.2, 1.2


def compare_pickles(seconds):
    """Prints each time and its ratio. Returns whether those with a budget are within."""
    print("\nPickles out of band, as a multiple of numpy's time")
    try:
        import numpy
    except ImportError:
        print("  numpy is missing: nothing to compare with")
        return True
    # A pickle names the module of its class.
    fleet = sys.modules["fleet"] = peers.load(peers.TRAVELLER)
    large = LARGE if enough_memory(4 * LARGE) else LARGE // 4
    within = True
    for size, name in ((SMALL, "1 KiB"), (large, f"{large >> 20} MiB")):
        samples = fleet.Samples(size // 8)
        # Written, because Linux would read zeros that nobody has written from one page, which is in the cache.
        array = numpy.ones(size // 8)
        kept = [loader(samples), loader(array)]
        before = resident()
        within &= row(f"dumps of {name}", dumper(samples), dumper(array), seconds, BUDGET)
        if before is not None:
            print(f"    resident memory meanwhile: {(resident() - before) / (1 << 20):+.1f} MiB")
        row(f"loads of {name}", kept[0], kept[1], seconds, BUDGET if size == SMALL else None)
        within &= row(f"loads of {name}, and a copy by numpy", kept[0], copier(kept[1]), seconds, BUDGET_OF_COPIES)
    return within


def dumper(thing):
    def dump():
        pickle.dumps(thing, protocol=5, buffer_callback=[].append)

    return dump


def loader(thing):
    frames = []
    data = pickle.dumps(thing, protocol=5, buffer_callback=frames.append)

    def load():
        return pickle.loads(data, buffers=frames)

    return load


def copier(load):
    return lambda: load().copy()


def row(name, ours, theirs, seconds, budget):
    """Prints a row of the table. Returns whether it is within its budget."""
    repeat = max(1, min(1000, int(0.001 / max(time_of(theirs, 1), time_of(ours, 1), 1e-7))))
    turns = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(turns) < 6:
        # The two take turns to be first: the kernel may have to gather huge pages for the first large allocation, and
        # the second allocation gets those that the first has freed.
        if len(turns) % 2:
            their = time_of(theirs, repeat)
            turns.append((time_of(ours, repeat), their))
        else:
            turns.append((time_of(ours, repeat), time_of(theirs, repeat)))
    ratio = statistics.median(our / their for our, their in turns)
    our, their = (statistics.median(times) / repeat * 1e6 for times in zip(*turns))
    over = budget is not None and ratio > budget
    verdict = "" if budget is None else f"  of {budget:.2f}{'  OVER' if over else ''}"
    print(f"  {name:44} {our:12,.1f} µs {their:12,.1f} µs {ratio:8.2f}{verdict}")
    return not over


def time_of(call, repeat):
    """Seconds of this thread on a processor."""
    start = time.thread_time()
    for _ in range(repeat):
        call()
    return time.thread_time() - start


def resident():
    """The bytes of this process that are in memory; None where Linux does not tell."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))
    except OSError:
        return None
