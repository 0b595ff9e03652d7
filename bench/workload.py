"""What is measured: n times a view is taken of a matrix and given back, in three situations.

Run as a program, it is the workload that valgrind counts: `workload.py N [SETTING...]`.
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
    """As Python code takes a view, and gives it back."""
    for _ in itertools.repeat(None, n):
        memoryview(matrix).release()


CASES = {
    "first view": views_alone,
    "view alive": views_beside_another,
    "memoryview": memoryviews,
}

# How often each setting runs before it counts: CPython specialises its bytecode, the linker binds what it binds late.
WARM_UP = 20


def settings(names):
    """What a run under valgrind counts, in order: (peer, case, rows of the matrix)."""
    counted = [(name, case, NROWS) for name in names for case in CASES]
    return counted + [(name, "first view", NROWS << 20) for name in names]


def count(names, n):
    """Does n and then 2n pairs of every setting, with a mark before, between and behind."""
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
