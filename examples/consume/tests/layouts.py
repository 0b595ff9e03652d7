"""Arrays of random layouts, and other exporters of the same items."""

import array
import ctypes
import mmap
import random

import numpy as np
import pytest

CTYPES = {"i": ctypes.c_int32, "d": ctypes.c_double}


def arrays(code, seed, count=300):
    """Arrays of up to 5 dimensions, sliced with steps of either sign and transposed."""
    chance = random.Random(f"{code}{seed}")
    generator = np.random.default_rng(seed)
    for _ in range(count):
        shape = [chance.choice([0, 1, 1, 2, 3, 7, 40]) for _ in range(chance.randint(0, 5))]
        while np.prod(shape) > 50_000:
            shape.pop()
        if code == "i":
            whole = generator.integers(-(2**31), 2**31, shape, "i4", endpoint=False)
        else:
            whole = generator.normal(size=shape)
        whole = np.asarray(whole)
        step = [chance.choice([1, 1, 2, 3, -1, -2]) for _ in shape]
        start = [chance.choice([None, None, chance.randint(-extent, extent)]) for extent in shape]
        # Without the ellipsis, an array without dimensions would become a scalar.
        part = whole[(*map(slice, start, [None] * len(shape), step), ...)]
        yield part.transpose(chance.sample(range(part.ndim), part.ndim))


def exporters(code, items):
    """Exporters of many kinds with the same items, by name."""
    raw = array.array(code, items).tobytes()
    mapped = mmap.mmap(-1, max(1, len(raw)))
    mapped[: len(raw)] = raw
    return {
        "array.array": array.array(code, items),
        "bytes": memoryview(raw).cast(code),
        "bytearray": memoryview(bytearray(raw)).cast(code),
        "mmap": memoryview(mapped)[: len(raw)].cast(code),
        "memoryview": memoryview(array.array(code, [0, *items, 0]))[1:-1],
        "memoryview, backwards": memoryview(array.array(code, items[::-1]))[::-1],
        "ctypes": (CTYPES[code] * len(items))(*items),
        "numpy": np.array(items, code),
        "numpy, every other": np.repeat(np.array(items, code), 2)[::2],
        "numpy, records": np.array([(0, item) for item in items], [("a", code), ("b", code)])["b"],
    }


def indirect(code, items, shape):
    """An array of pointers to rows, made by the exporter of CPython's own tests."""
    testbuffer = pytest.importorskip(
        "_testbuffer", reason="this Python was built without _testbuffer, CPython's reference exporter"
    )
    return testbuffer.ndarray(items, shape=shape, format=code, flags=testbuffer.ND_PIL | testbuffer.ND_WRITABLE)
