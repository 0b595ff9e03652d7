"""The classes of `buffer_tests_ext.layouts.CLASSES`, and the expected buffer of each."""

import math
from typing import NamedTuple

import numpy as np
import pytest
from buffer_tests_ext import layouts

# numpy's type for each element.
DTYPES = {
    "i8": np.int8,
    "u8": np.uint8,
    "i16": np.int16,
    "u16": np.uint16,
    "i32": np.int32,
    "u32": np.uint32,
    "i64": np.int64,
    "u64": np.uint64,
    "isize": np.intp,
    "usize": np.uintp,
    "f32": np.float32,
    "f64": np.float64,
}

# The dimensions that a storage's element arrays add to its shape.
INNER = {
    "vec": (),
    "boxed": (),
    "array": (),
    "vec_of_triples": (3,),
    "vec_of_tables": (3, 2),
    "table": (4,),
}

# How many scalars the storages of fixed length have.
LENGTH = 24

SHAPES = {
    2: [(4, 6), (1, 24), (24, 1)],
    3: [(2, 3, 4), (1, 4, 6), (4, 1, 6), (4, 6, 1), (1, 24, 1), (1, 1, 24), (24, 1, 1)],
}
EMPTY_SHAPES = {
    2: [(0, 6), (4, 0), (0, 0), (1, 0), (0, 1)],
    3: [(0, 3, 4), (2, 0, 4), (2, 3, 0), (1, 0, 1), (0, 0, 0)],
}


class Kind(NamedTuple):
    """A class, with the names of its storage, layout and element."""

    storage: str
    layout: str
    element: str
    exporter: type

    @property
    def dtype(self):
        return np.dtype(DTYPES[self.element])

    @property
    def order(self):
        return "F" if self.layout in ("f2", "f3") else "C"

    @property
    def readonly(self):
        return self.layout == "readonly"

    @property
    def grows(self):
        return self.storage not in ("array", "table")

    @property
    def takes_shape(self):
        return self.layout in ("c2", "c3", "f2", "f3")

    def shape(self, length=LENGTH):
        """The usual shape. For a class that takes a shape, it has 24 scalars."""
        if self.takes_shape:
            return SHAPES[int(self.layout[1])][0]
        inner = INNER[self.storage]
        return (length // math.prod(inner), *inner)

    def shapes(self):
        """Shapes of every kind that the class can have."""
        if not self.takes_shape:
            lengths = [LENGTH, math.prod(INNER[self.storage]), 0] if self.grows else [LENGTH]
            return [self.shape(length) for length in lengths]
        ndim = int(self.layout[1])
        ones = [(1,) * ndim] if self.storage in ("vec", "boxed") else []
        return SHAPES[ndim] + ones + (EMPTY_SHAPES[ndim] if self.grows else [])

    def content(self, shape=None):
        """The bytes of as many items as the shape has. No two items are equal."""
        length = math.prod(self.shape() if shape is None else shape)
        return np.arange(1, length + 1).astype(self.dtype).tobytes()

    def make(self, shape=None, content=None):
        """An object of the class."""
        shape = self.shape() if shape is None else shape
        content = self.content(shape) if content is None else content
        return self.exporter(content, *(shape if self.takes_shape else ()))


KINDS = [Kind(*entry) for entry in layouts.CLASSES]


def select(**wanted):
    """The kinds with these names: `select(storage="vec", layout=["c2", "f2"])`."""

    def has(kind, field, names):
        return getattr(kind, field) in ([names] if isinstance(names, str) else names)

    return [kind for kind in KINDS if all(has(kind, field, names) for field, names in wanted.items())]


def the_kind(storage, layout, element):
    (kind,) = select(storage=storage, layout=layout, element=element)
    return kind


def each_kind(**wanted):
    """Runs a test for each of these kinds."""
    found = select(**wanted)
    assert found, wanted
    return pytest.mark.parametrize("kind", found, ids=[f"{k.storage}-{k.layout}-{k.element}" for k in found])
