"""The measured work: n times, a view of a matrix is requested and released, in three situations.

Run as a program, it is the workload whose instructions valgrind counts: `workload.py N [PEER...]`.
"""

import itertools
import sys

import modules

NCOLS = 8
NROWS = 32  # 1 KiB


def views_alone(matrix, n):
    """Each view is the first."""
    modules.load("pairs").full(matrix, n)


def views_beside_another(matrix, n):
    """Another view is held throughout."""
    with memoryview(matrix):
        modules.load("pairs").full(matrix, n)


def memoryviews(matrix, n):
    """Python code makes each view and releases it."""
    for _ in itertools.repeat(None, n):
        memoryview(matrix).release()


CASES = {
    "first view": views_alone,
    "view alive": views_beside_another,
    "memoryview": memoryviews,
}

# Repetitions before counting starts: meanwhile CPython specialises its bytecode, and the linker binds lazy symbols.
WARM_UP = 20


def settings(names):
    """The settings that a run under valgrind counts, in order: (peer, case, rows of the matrix)."""
    counted = [(name, case, NROWS) for name in names for case in CASES]
    return counted + [(name, "first view", NROWS << 20) for name in names]


def count(names, n):
    """Runs n pairs and then 2n pairs of every setting, with a mark before, between and after them."""
    mark = modules.load("pairs").mark
    for name, case, nrows in settings(names):
        matrix = modules.load(name).Matrix(NCOLS, nrows)
        for _ in range(WARM_UP):
            CASES[case](matrix, WARM_UP)
        mark()
        CASES[case](matrix, n)
        mark()
        CASES[case](matrix, 2 * n)
        mark()


if __name__ == "__main__":
    count(sys.argv[2:], int(sys.argv[1]))
