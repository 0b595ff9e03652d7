"""The objects that `operations` operates on, each with the function that makes it."""

import itertools

import exporters
import numpy as np
from buffer_tests_ext import consumer, edges, layouts

CONTENT = bytes(range(48))


class Producer:
    """An object without a buffer, which makes tensors. Its methods are C functions, so no Python code is called."""

    def __init__(self, exporter, **methods):
        self.exporter = exporter
        self.__dlpack__ = methods.get("dlpack", exporter.__dlpack__)
        self.__dlpack_device__ = methods.get("device", exporter.__dlpack_device__)


def produced(make, **methods):
    return lambda: Producer(make(), **methods)


class Sub(layouts.Base):
    pass


FILES = itertools.count()


def in_a_new_file():
    code = compile("memoryview(thing)", f"file {next(FILES)}.py", "eval")
    return code, {"thing": edges.Series([1.0]), "memoryview": memoryview, "__builtins__": {}}


def held_values():
    values = edges.Several().values
    return values, memoryview(values)


def of_whole(part):
    return lambda: getattr(layouts.Whole(CONTENT, 3), part[0])(*part[1:])


class Attributed(edges.Nowhere):
    pass


def attributed():
    thing = Attributed()
    thing.mark = "mark"
    return thing


class Slotted(edges.Nowhere):
    __slots__ = ("mark",)


def slotted():
    thing = Slotted()
    thing.mark = "mark"
    return thing


def reduced(thing=None):
    return (thing or edges.Luggage()).__reduce_ex__(2)[1][1]


# A function for each class, which makes an object of it.
EXPORTERS = {
    "Whole": lambda: layouts.Whole(CONTENT, 3),
    "Row": of_whole(("row", 1)),
    "Column": of_whole(("column", 1)),
    "Scalar": of_whole(("item", 1, 1)),
    "Transposed": of_whole(("transposed",)),
    "Part": of_whole(("part", [2], [4], 0, True)),
    "Bytes": lambda: layouts.Bytes(CONTENT),
    "Field": lambda: layouts.Bytes(CONTENT).field("<2f", 8),
    "SeparateRows": layouts.SeparateRows,
    "Rows16": lambda: layouts.Rows16([b"abcd", b"efgh"]),
    "PixelRows": lambda: layouts.PixelRows([bytes(12), bytes(12)]),
    "FormattedRows": lambda: layouts.FormattedRows([b"abcd", b"efgh"], "T{H:a:H:b:}", False),
    "Strided2": lambda: layouts.Strided2(CONTENT, 2, 2, 8, 4, 0),
    "Strided2ByCode": lambda: layouts.Strided2ByCode(CONTENT, 2, 2, 8, 4, 0),
    "FromOffset": lambda: layouts.FromOffset(CONTENT, 2, 16),
    "NotFrozen": lambda: layouts.NotFrozen(CONTENT, 3),
    "Base": lambda: layouts.Base(CONTENT, 3),
    "Sub": lambda: Sub(CONTENT, 3),
    "Derived": lambda: layouts.Derived(CONTENT, 3, "label"),
    "OfThreadBound": lambda: layouts.OfThreadBound(CONTENT),
    "OfArray": lambda: layouts.OfArray(CONTENT, [3, 4]),
    "OfFlatArray": lambda: layouts.OfFlatArray(CONTENT, 3),
    "SharedSlice": lambda: layouts.SharedSlice(CONTENT),
    "Foreign": lambda: layouts.Foreign(CONTENT),
    "Dimensions64": lambda: layouts.Dimensions64(bytes(4), 1),
    "Expression": lambda: layouts.Expression(CONTENT, 3, 4),
    "Pairs": lambda: layouts.Pairs(4),
    "Nesteds": lambda: layouts.Nesteds(4),
    "Shaped": lambda: edges.Shaped([1, 2], lambda: 2),
    "MutableShaped": lambda: edges.MutableShaped([1, 2], lambda: 2),
    "Decided": lambda: edges.Decided([1, 2], lambda: False),
    "Owner": lambda: edges.Owner([1, 2]),
    "Pinned": lambda: edges.Pinned([1, 2]),
    "CodePinned": lambda: edges.CodePinned([1, 2]),
    "Series": lambda: edges.Series([1.0, 2.0]),
    "Closing": lambda: edges.Closing([1, 2]),
    "Detaching": lambda: edges.Detaching([1, 2]),
    "Property": lambda: edges.Several().values,
    "CodeProperty": lambda: edges.Several().dyn,
    "TakenPart": lambda: edges.Several().column(1),
    **{"-".join(kind[:3]): kind.make for kind in exporters.select(storage=["vec", "array", "table"], element="f32")},
}


def closed():
    thing = edges.Series([1.0])
    thing.close()
    return thing


def viewed(make):
    def held():
        thing = make()
        return thing, memoryview(thing)

    return held


def liar(**claims):
    def make():
        thing = consumer.Liar()
        for name, claim in claims.items():
            setattr(thing, name, claim)
        return thing

    return make


doubles = lambda: np.arange(6.0)  # noqa: E731
