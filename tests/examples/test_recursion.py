"""Arguments whose conversion calls the converting function again, with CPython's recursion limit set very high."""

import apart
import pytest

SCRIPT = """
import sys
from array import array
import consume, dynarray, fleet, foreign, heat, mapfile, matrix, records

sys.setrecursionlimit(10**6)
numbers, a = array("d", [1.0]), dynarray.DynArray(b"ab")

class Again:
    def __index__(self):
        {call}
        return 0

    __float__ = __bool__ = __index__

    def __len__(self):
        return self.__index__()

it = Again()
try:
    {call}
except RecursionError as error:
    print(error)
"""

CALLS = [
    "dynarray.DynArray(b'ab', offset=it)",
    "dynarray.DynArray(b'ab', shape=(it,))",
    "dynarray.DynArray(b'ab', shape=it)",
    "dynarray.DynArray(b'ab', readonly=it)",
    "a.resize(it)",
    "consume.scale(numbers, it)",
    "matrix.Matrix(it)",
    "mapfile.MapFile('/', it)",
    "records.Particles(it)",
    "records.Particles(1).step(it)",
    "foreign.Wrapper(it)",
    "fleet.Samples(it)",
    "fleet.Samples(1).scale(it)",
    "fleet.Samples(1).append(it)",
    "heat.Plate(3, it)",
    "heat.Plate(3, 3).step(it)",
    "heat.Plate(3, 3).step(1, it)",
]


@pytest.mark.parametrize("call", CALLS)
def test_a_conversion_that_never_ends_is_a_recursion_error(call):
    assert "maximum recursion depth exceeded" in apart.run(SCRIPT.format(call=call))
