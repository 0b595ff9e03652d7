"""Small objects: the memory and the time of one, with and without a first view, and the memory of many views of one.

    memory.py PEER N        # prints the bytes of one of N objects or views of a peer, as JSON

Each peer's bytes are those of a process of its own: what its allocator keeps and cannot use counts. The times are taken
in one process, in turns.
"""

import collections
import gc
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import peers

# 2 rows of 2 float32: 16 bytes.
SHAPE = (2, 2)
SIZE = 16
KINDS = {"object": "an object", "viewed": "an object after a view", "view": "a view"}
RESIDENT = pathlib.Path("/proc/self/statm")


def maker(name):
    """A function and its arguments that make a matrix of 16 bytes, or as near to one as the peer can be."""
    if name == "bytearray":
        return bytearray, (SIZE,)
    if name == "array":
        import array

        return array.array, ("f", bytes(SIZE))
    if name == "ndarray":
        import numpy

        return numpy.zeros, (SHAPE, numpy.float32)
    return peers.load(name).Matrix, SHAPE


def made(name, n):
    """An iterator that makes n objects, with nothing of Python's own between two of them."""
    make, arguments = maker(name)
    return itertools.starmap(make, itertools.repeat(arguments, n))


def view(name, matrix):
    return memoryview(peers.exporter(name, matrix))


# Bytes


def resident():
    return int(RESIDENT.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def bytes_of(name, n):
    """The additional memory of the process for each object, for each object that was viewed, and for each view."""
    # Warms up, and makes room in the lists, so that neither is counted.
    warm = [view(name, matrix) for matrix in made(name, 100)]
    del warm
    objects, views = [None] * n, [None] * n
    start = resident()
    for index, matrix in enumerate(made(name, n)):
        objects[index] = matrix
    with_objects = resident()
    for matrix in objects:
        view(name, matrix).release()
    after_views = resident()
    exporter = peers.exporter(name, objects[0])
    for index in range(n):
        views[index] = memoryview(exporter)
    numbers = [with_objects - start, after_views - start, resident() - after_views]
    return {kind: round(number / n, 1) for kind, number in zip(KINDS, numbers)}


def measure_bytes(names, n):
    """`bytes_of` in a process for each peer, or None where the system does not tell the resident memory."""
    if not RESIDENT.exists():
        return None
    command = [sys.executable, "-B", __file__]
    return {name: json.loads(subprocess.check_output([*command, name, str(n)])) for name in names}


# Time


def make_all(name, n):
    collections.deque(made(name, n), maxlen=0)


def view_all(name, n):
    for matrix in made(name, n):
        view(name, matrix).release()


TIMED = {"object": make_all, "viewed": view_all}


def measure_times(names, rounds, n):
    """Nanoseconds to make and to drop an object, without and with a view: the median of all rounds."""
    samples = {(name, kind): [] for name in names for kind in TIMED}
    for round_number in range(rounds + 1):
        for (name, kind), taken in samples.items():
            start = time.thread_time_ns()
            TIMED[kind](name, n)
            # The first round warms up.
            if round_number > 0:
                taken.append((time.thread_time_ns() - start) / n)
    return {name: {kind: statistics.median(samples[name, kind]) for kind in TIMED} for name in names}


def compare(names, rounds, n, count):
    """Measures and shows everything."""
    times = measure_times(names, rounds, n)
    sizes = measure_bytes(names, count)
    if sizes is None:
        print("  this system does not tell the resident memory: bytes are left out")
    titles = [f"ns, {KINDS[kind]}" for kind in TIMED] + [f"bytes, {text}" for text in KINDS.values()]
    print(f"  {'':<36}" + "".join(f"{title:>30}" for title in titles))
    for name in names:
        cells = [f"{times[name][kind]:,.0f}" for kind in TIMED]
        cells += [f"{sizes[name][kind]:,.0f}" if sizes else "" for kind in KINDS]
        label = peers.PEERS[name].label.replace("`", "")
        print(f"  {label:<36}" + "".join(f"{cell:>30}" for cell in cells), flush=True)


if __name__ == "__main__":
    gc.disable()
    print(json.dumps(bytes_of(sys.argv[1], int(sys.argv[2]))))
