"""Layouts that hypothesis draws. All their items are inside the memory."""

import functools
import itertools
import math
import random
import struct
from typing import NamedTuple, Optional

from hypothesis import strategies as st

ORDERS = ["", "@", "=", "<", ">", "!"]
NATIVE = ["n", "N", "P"]
CODES = ["B", "b", "c", "?", "h", "H", "i", "I", "l", "L", "q", "Q", "e", "f", "d", "3s", "4p", "2h", "3B", "2xB"]


def formats():
    """Formats of one or more codes, in every byte order, all valid for the struct module."""
    chance = random.Random("formats")
    several = ["ib", "bi", "B2xh", "2i d", "cP", "q?3s", "hhh"]
    several += ["".join(chance.choices(CODES, k=chance.randint(2, 4))) for _ in range(20)]
    every = CODES + [order + code for order in ORDERS[1:] for code in CODES] + NATIVE + ["@n", "@P"]
    return every + [order + codes for codes in several for order in ORDERS if order in "@" or "P" not in codes]


FORMATS = formats()
# Formats that numpy reads but the struct module may not, with their sizes.
NOT_OF_STRUCT = {"Zf": 8, "Zd": 16, ">Zd": 16, "T{i:a:d:b:}": 16, "T{>H:a:3s:b:}": 5}

MOST_ITEMS = 64
# All bytes are below 124, so that no float is NaN. The first 124 bytes all differ, and identify an item's place.
CHANCE = random.Random("memory")
MEMORY = bytes(CHANCE.sample(range(124), k=124) + CHANCE.choices(range(124), k=1 << 16))


class Layout(NamedTuple):
    format: str
    shape: Optional[tuple]
    strides: Optional[tuple]
    offset: int
    # The size of the memory, in bytes.
    size: int
    readonly: bool

    @property
    def itemsize(self):
        return itemsize_of(self.format)

    @property
    def full_shape(self):
        """The shape that must be exported."""
        return ((self.size - self.offset) // self.itemsize,) if self.shape is None else self.shape

    @property
    def full_strides(self):
        return c_strides(self.full_shape, self.itemsize) if self.strides is None else self.strides

    @property
    def keywords(self):
        """The keyword arguments of DynArray for this layout."""
        return {name: getattr(self, name) for name in ("format", "shape", "strides", "offset", "readonly")}

    def variants(self):
        """The layout itself, with its axes reversed, with its memory mirrored, and with both."""
        transposed = self._replace(shape=self.full_shape[::-1], strides=self.full_strides[::-1])
        return [self, transposed, self.mirrored(), transposed.mirrored()]

    def mirrored(self):
        strides = tuple(-stride for stride in self.full_strides)
        return self._replace(shape=self.full_shape, strides=strides, offset=self.size - self.itemsize - self.offset)

    def places(self):
        """The offset of each item in the memory, in C order."""
        axes = [range(0, extent * stride, stride) if stride else [0] * extent for extent, stride in self.axes()]
        return [self.offset + sum(steps) for steps in itertools.product(*axes)]

    def axes(self):
        return zip(self.full_shape, self.full_strides)

    def overlaps(self):
        places = sorted(self.places())
        return any(b - a < self.itemsize for a, b in zip(places, places[1:]))


@functools.cache
def itemsize_of(format):
    return NOT_OF_STRUCT.get(format) or struct.calcsize(format)


def c_strides(shape, itemsize):
    return tuple(itemsize * math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


@functools.cache
def packed(format):
    """Items of this format, and the bytes of these items, packed."""
    struct_ = struct.Struct(format)
    items = list(struct_.iter_unpack(MEMORY[: 512 * struct_.size]))
    return items, b"".join(itertools.starmap(struct_.pack, items))


def bounded(shape):
    """The shape, with 1 for each extent that would make the number of items too large."""
    items = itertools.accumulate(shape, lambda items, extent: items * max(extent, 1), initial=1)
    return tuple(extent if before * extent <= MOST_ITEMS else 1 for extent, before in zip(shape, items))


# Numbers of dimensions, mostly small.
NDIMS = [1, 2, 3, 2, 3, 4, 2, 3, 64, 4, 5, 0, 4, 3, 2]
# In shapes of many dimensions, few extents may be larger than 1.
EXTENTS = [2, 1, 3, 0, 4, 7]
EXTENTS_OF_MANY = [1] * 12 + [2]
STEPS = [1, -1, 0, 2, -2, 3, -3, 4, 5]


def choices(draw, options, count):
    """Chooses `count` of these options by a single draw. One draw for each would take most of a test's time."""
    number = draw(st.integers(0, len(options) ** min(count, 5) - 1))
    if count > 5:
        return random.Random(number).choices(options, k=count)
    return [options[number // len(options) ** place % len(options)] for place in range(count)]


@st.composite
def layouts(draw, formats=FORMATS, unit=None):
    """Layouts of these formats, with strides and offsets in multiples of `unit` bytes, by default the itemsize."""
    format = draw(st.sampled_from(formats))
    itemsize = itemsize_of(format)
    unit = unit or itemsize
    kind, ndim = draw(st.sampled_from(["C", "dense", "free", "rest", "dense", "free"])), draw(st.sampled_from(NDIMS))
    readonly, before, after = draw(st.sampled_from(list(itertools.product([False, True], range(4), range(4)))))
    if kind == "rest":
        offset = before * unit
        return Layout(format, None, None, offset, offset + (1 + after) * itemsize, readonly)

    shape = bounded(choices(draw, EXTENTS if ndim < 6 else EXTENTS_OF_MANY, ndim))
    if kind == "C":
        strides = None
    elif kind == "free":
        strides = tuple(step * unit for step in choices(draw, STEPS, ndim))
    else:
        # Axes in any order, with strides of either sign, with or without a gap.
        strides = [0] * ndim
        step = itemsize + draw(st.sampled_from([0, 0, unit]))
        for axis, turn in sorted(enumerate(choices(draw, range(-5, 6), ndim)), key=lambda item: abs(item[1])):
            strides[axis] = -step if turn < 0 else step
            step *= max(shape[axis], 1)
        strides = tuple(strides)

    reaches = [(extent - 1) * stride for extent, stride in zip(shape, strides or c_strides(shape, itemsize))]
    if 0 in shape:
        reaches = []
    offset = before * unit - sum(reach for reach in reaches if reach < 0)
    end = offset + sum(reach for reach in reaches if reach > 0) + itemsize
    return Layout(format, shape, strides, offset, end + after * unit, readonly)
