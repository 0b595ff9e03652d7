"""The measured work: n times, a view of a matrix is requested and released, or something else is done with the matrix.

Run as a program, it is the workload whose instructions valgrind counts: `workload.py N FILE`. The file lists the
settings. The program prints how many requests of each setting were refused.
"""

import contextlib
import gc
import itertools
import json
import sys
from typing import NamedTuple

import peers

FULL = 0x11D  # PyBUF_FULL
STABLE = 0x51C  # PyBUF_FULL_RO and PyBUF_STABLE_READ


class Setting(NamedTuple):
    peer: str
    case: str
    flags: int = FULL
    nrows: int = peers.NROWS


def views_alone(setting, matrix, n):
    """Each view is the first."""
    name = peers.PEERS[setting.peer].property if setting.peer in peers.PEERS else None
    if name:
        return peers.load("pairs").pairs_of(matrix, name, setting.flags, n)
    return peers.load("pairs").pairs(matrix, setting.flags, n)


def stable_views(setting, matrix, n):
    """Each view is the first, and nobody writes beside it."""
    return peers.load("pairs").pairs(matrix, STABLE, n)


def memoryviews(setting, matrix, n):
    """Python code makes each view and releases it."""
    name = peers.PEERS[setting.peer].property if setting.peer in peers.PEERS else None
    if name:
        for _ in itertools.repeat(None, n):
            memoryview(matrix.array).release()
    else:
        for _ in itertools.repeat(None, n):
            memoryview(matrix).release()
    return 0


def blocks(setting, matrix, n):
    """A block of Python code has each view."""
    for _ in itertools.repeat(None, n):
        with memoryview(matrix):
            pass
    return 0


def scoped_blocks(setting, matrix, n):
    """A block of Python code has each view, which ends with the block."""
    for _ in itertools.repeat(None, n):
        with matrix.view():
            pass
    return 0


def rows(setting, matrix, n):
    """A new matrix grows. The instructions of reallocations depend on what the heap holds."""
    add_row = peers.make(setting.peer, 0).add_row
    for _ in itertools.repeat(None, n):
        add_row()
    return 0


def rows_within_capacity(setting, matrix, n):
    """A matrix grows whose first row doubled its capacity. No further row needs memory."""
    add_row = matrix.add_row
    for _ in itertools.repeat(None, n):
        add_row()
    return 0


def tensors(setting, matrix, n):
    """numpy makes a tensor of the matrix, and drops it."""
    from numpy import from_dlpack

    for _ in itertools.repeat(None, n):
        from_dlpack(matrix)
    return 0


def capsules(setting, matrix, n):
    """Python code requests a tensor as numpy does, and drops the capsule."""
    newest = (1, 0)
    for _ in itertools.repeat(None, n):
        matrix.__dlpack__(max_version=newest, dl_device=None, copy=None)
    return 0


def in_rust(setting, matrix, n):
    """The method with the name of the case contains the loop."""
    getattr(matrix, setting.case)(n)
    return 0


# The situations in which all peers are compared.
CASES = {"first": views_alone, "beside": views_alone, "memoryview": memoryviews}
MORE_CASES = {
    "stable": stable_views,
    "block": blocks,
    "scoped": scoped_blocks,
    "add_row": rows,
    "append": rows_within_capacity,
    "tensor": tensors,
    "capsule": capsules,
    "expression": in_rust,
    "write": in_rust,
    "read": in_rust,
    "share": in_rust,
}


@contextlib.contextmanager
def situation(setting):
    """A function that makes n pairs. Where the case is `beside`, another view is held throughout."""
    matrix = peers.make(setting.peer, setting.nrows)
    other = memoryview(peers.exporter(setting.peer, matrix)) if setting.case == "beside" else contextlib.nullcontext()
    with other:
        work = {**CASES, **MORE_CASES}[setting.case]
        yield lambda n: work(setting, matrix, n)


# Repetitions before counting starts: meanwhile CPython specialises its bytecode, and the linker binds lazy symbols.
WARM_UP = 20


def count(settings, n):
    """Runs n pairs and then 2n pairs of every setting, with a mark before, between and after them.

    Returns how many of n requests were refused, in the order of the settings. The last round of the loop makes no
    pairs: so the first two rounds differ in nothing but their pairs.
    """
    mark = peers.load("pairs").mark
    refused = []
    for setting in settings:
        with situation(setting) as pairs:
            for _ in range(WARM_UP):
                pairs(WARM_UP)
            times = []
            for repetitions in (n, 2 * n, 0):
                mark()
                times.append(pairs(repetitions))
        refused.append(times[0])
    return refused


if __name__ == "__main__":
    gc.disable()
    with open(sys.argv[2]) as file:
        settings = [Setting(*setting) for setting in json.load(file)]
    print(json.dumps(count(settings, int(sys.argv[1]))))
