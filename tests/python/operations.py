"""Operations on the classes of the test extension, for `without_memory`."""

import pickle
import sys
from functools import partial

import numpy as np
from buffer_tests_ext import consumer, edges, layouts
from numpys import AS_NUMPY_2
from operands import (
    CONTENT,
    EXPORTERS,
    attributed,
    closed,
    doubles,
    held_values,
    in_a_new_file,
    liar,
    of_whole,
    produced,
    reduced,
    slotted,
    viewed,
)
from pybuffer import FORMAT, FULL_RO, SIMPLE, WRITABLE
from without_memory import Operation


def view(thing):
    memoryview(thing).release()


def asarray(thing):
    np.asarray(thing)


def array(thing):
    thing.__array__()


def tensor(thing):
    thing.__dlpack__(max_version=(1, 0))


def copied_tensor(thing):
    thing.__dlpack__(copy=True)


def numpys_tensor(thing):
    np.from_dlpack(thing)


def tensors_left(producer):
    """How many tensors of the exporter nobody has ended."""
    exporter = producer.exporter
    return 0 if isinstance(exporter, np.ndarray) else len(edges.holders(exporter))


def block(thing):
    with edges.scoped(thing) as v:
        v.tobytes()


def kept_block(thing):
    with edges.scoped(thing) as v:
        kept = v[0:1]
        # Drop this reference, so that only the slice is alive at the end of the block.
        del v
        return kept


def look(part):
    return part.shape, part.strides, part.format, part.itemsize, part.nbytes, part.ndim, part.readonly, part.views


def rebuilding(cls):
    return lambda fields: cls.__buffer_rebuild__(1, fields)


rebuild = rebuilding(edges.Luggage)


def pickled(thing):
    pickle.dumps(thing, protocol=5, buffer_callback=[].append)


PORTABLE_INTEGER = "<I" if sys.byteorder == "little" else ">I"


def refused(name, make, act, error="BufferError"):
    return Operation(f"refused: {name}", make, act, error)


def requested(flags):
    return lambda thing: edges.request(thing, flags)


def no_views(_thing):
    return 0


def viewed_views(held):
    return held[0].views() - 1


def ranged(offset, length):
    def act(thing):
        with edges.scoped_range(thing, offset, length) as v:
            v.tobytes()

    return act


def under(guard, act):
    return lambda thing: thing.call_under(guard, lambda: act(thing))


def scoped_array(thing):
    edges.scoped(thing).__array__()


def entered_twice(thing):
    view = edges.scoped(thing)
    with view, view:
        pass


# If its first attempt finds no memory, numpy tries others, which raise these exceptions.
NUMPYS = ("NotImplementedError", "TypeError", "ValueError", "SystemError")
# numpy does not follow pointers to rows, and not every version supports 64 dimensions.
NOT_FOR_NUMPY = ("SeparateRows", "Rows16", "PixelRows", "FormattedRows", "Dimensions64")
# Records and arrays in an item; and rows that are allocated one by one.
NOT_FOR_DLPACK = ("Field", "FormattedRows", "Pairs", "Nesteds")
COPIED_FOR_DLPACK = ("SeparateRows", "Rows16", "PixelRows")
# These are made with a function.
WITH_A_FUNCTION = ("Shaped", "MutableShaped", "Decided")
# numpy reads the formats of records and of arrays in Python.
READ_IN_PYTHON = ("Field", "Pairs", "Nesteds")

NOTE = "adds a note to what the extraction of an argument raises, and makes a string for it that is not to fail"

OPERATIONS = [
    *(Operation(f"view: {name}", make, view) for name, make in EXPORTERS.items()),
    *(Operation(f"block: {name}", make, block) for name, make in EXPORTERS.items()),
    *(
        Operation(f"{act.__name__}: {name}", make, act, others=NUMPYS, in_python=name in READ_IN_PYTHON)
        for act in (asarray, array)
        for name, make in EXPORTERS.items()
        if name not in NOT_FOR_NUMPY
    ),
    *(
        Operation(f"{act.__name__}: {name}", make, act)
        for act in (tensor, copied_tensor)
        for name, make in EXPORTERS.items()
        if name not in NOT_FOR_DLPACK and (act is copied_tensor or name not in COPIED_FOR_DLPACK)
    ),
    *(refused(f"tensor: {name}", EXPORTERS[name], tensor) for name in (*NOT_FOR_DLPACK, *COPIED_FOR_DLPACK)),
    *(
        Operation(f"numpy's tensor: {name}", EXPORTERS[name], numpys_tensor, others=NUMPYS)
        for name in ("Owner", "Whole", "Property", "Strided2", "Shaped")
    ),
    refused("tensor for old consumers", lambda: edges.ReadOnlyOwner([1]), lambda thing: thing.__dlpack__()),
    refused("tensor elsewhere", lambda: edges.Owner([1]), lambda thing: thing.__dlpack__(dl_device=(2, 0))),
    refused("tensor with an argument", lambda: edges.Owner([1]), lambda thing: thing.__dlpack__(None), "TypeError"),
    refused("tensor with a keyword", lambda: edges.Owner([1]), lambda thing: thing.__dlpack__(no=1), "TypeError"),
    refused(
        "tensor of a version", lambda: edges.Owner([1]), lambda thing: thing.__dlpack__(max_version=1), "TypeError"
    ),
    refused("tensor of a closed one", closed, tensor),
    Operation("device of a tensor", lambda: edges.Owner([1]), lambda thing: thing.__dlpack_device__()),
    *(
        Operation(f"make: {name}", lambda: None, lambda _, make=make: make(), in_python=name in WITH_A_FUNCTION)
        for name, make in EXPORTERS.items()
    ),
    refused("FORMAT alone", lambda: layouts.Whole(CONTENT, 3), requested(FORMAT)),
    refused("FORMAT alone of a part", of_whole(("row", 1)), requested(FORMAT)),
    refused("writable of a read-only one", lambda: edges.ReadOnlyOwner([1]), requested(WRITABLE)),
    refused("writable part of a read-only one", lambda: layouts.ReadOnlyWhole(CONTENT).first(), requested(WRITABLE)),
    refused("simple of strides", of_whole(("transposed",)), requested(SIMPLE)),
    refused("NULL", lambda: layouts.Whole(CONTENT, 3), edges.request_into_null),
    refused("closed", closed, requested(FULL_RO)),
    refused("array of a closed one", closed, array),
    refused("asarray of a closed one", closed, asarray),
    refused("block of a closed one", closed, block),
    refused("misfit", lambda: layouts.Expression(CONTENT, 5, 5), view),
    refused("misfit by code", lambda: edges.Shaped([1, 2], lambda: 5), view),
    refused("raising", lambda: edges.Shaped([1, 2], lambda: 1 / 0), view, "ZeroDivisionError"),
    refused("wrong format", lambda: layouts.Bytes(CONTENT).field("T{y}", 0), view),
    refused("long wrong format", lambda: layouts.Bytes(CONTENT).field("T{" + 40 * "i:name:" + "}", 0), view),
    refused("append", viewed(lambda: edges.Series([1.0])), lambda held: held[0].append(1.0))._replace(
        views=viewed_views
    ),
    refused("close", viewed(lambda: edges.Series([1.0])), lambda held: held[0].close())._replace(views=viewed_views),
    *(
        operation._replace(in_python=True)
        for operation in [
            refused("guard", lambda: edges.Series([1.0]), under("write", lambda thing: thing.append(1.0))),
            refused("view under write", lambda: edges.Series([1.0]), under("write", view)),
            Operation("share", lambda: edges.Series([1.0]), under("share", view)),
        ]
    ),
    refused("two arguments", lambda: layouts.Whole(CONTENT, 3), lambda thing: thing.__array__(1, 2), "TypeError"),
    refused("keyword", lambda: layouts.Whole(CONTENT, 3), lambda thing: thing.__array__(unknown=2), "TypeError"),
    refused("copy", lambda: layouts.Whole(CONTENT, 3), lambda thing: thing.__array__(copy=2), "TypeError"),
    Operation(
        "array of a type",
        lambda: layouts.Whole(CONTENT, 3),
        lambda thing: thing.__array__("f8", copy=True),
        others=NUMPYS,
    ),
    Operation("append", lambda: edges.Series([1.0]), lambda thing: thing.append(2.0)),
    Operation("close", lambda: edges.Closing([1, 2]), lambda thing: thing.close()),
    Operation("detach", viewed(lambda: edges.Detaching([1, 2])), lambda held: held[0].detach(), views=no_views),
    Operation("write", lambda: edges.Series([1.0]), lambda thing: thing.call_under("write", int)),
    Operation("read", lambda: edges.Series([1.0]), lambda thing: thing.call_under("read", int)),
    Operation("copy of a share guard", lambda: edges.Series([1.0]), lambda thing: thing.copied()),
    Operation("owned guard", lambda: edges.Series([1.0]), edges.own_once),
    refused("owned guard", closed, edges.own_once),
    Operation("deletion", lambda: [memoryview(layouts.Base(CONTENT, 3))], list.pop),
    Operation("first block", lambda: edges.Series([1.0]), block, first=True),
    Operation("first array", lambda: edges.Series([1.0]), array, others=NUMPYS, first=True),
    *(
        Operation(f"{name}: {of}", EXPORTERS[of], act)
        for of in ("Property", "TakenPart")
        for name, act in [
            ("look", look),
            ("show", repr),
            ("length", len),
            ("items", list),
            ("item", lambda part: part[0]),
        ]
    ),
    Operation("property", edges.Several, lambda several: several.values),
    Operation(
        "view: in a new file",
        in_a_new_file,
        lambda made: eval(made[0], made[1]).release(),
        views=lambda made: made[1]["thing"].views(),
        in_python=True,
    ),
    Operation("holders", held_values, lambda held: held[0].holders(), views=no_views),
    Operation("block of a property", EXPORTERS["Property"], lambda part: part.view().__enter__().release()),
    Operation("take", edges.Several, lambda several: several.column(1)),
    Operation("take a slice", edges.Several, lambda several: several.block(0, 3, -1)),
    Operation("make: a part of another shape", edges.Several, lambda several: several.reshaped([4])),
    Operation("take of a part", EXPORTERS["TakenPart"], lambda part: edges.Several.part_of(part, 0, 1)),
    refused("index", EXPORTERS["Property"], lambda part: part[3], "IndexError"),
    refused("missing part", edges.Several, lambda several: several.column(3), "IndexError"),
    *(
        Operation(
            f"reduce: protocol {protocol}",
            edges.Luggage,
            lambda thing, p=protocol: thing.__reduce_ex__(p),
            views=no_views,
        )
        for protocol in (2, 5)
    ),
    *(
        Operation(
            f"reduce: arrays in the order {order}, protocol {protocol}",
            partial(edges.Arrays, order),
            lambda thing, p=protocol: thing.__reduce_ex__(p),
            views=no_views,
        )
        for order in ("C", "reversed")
        for protocol in (2, 5)
    ),
    Operation("reduce: what may be imported", lambda: edges.Shipment([1, 2]), lambda thing: thing.__reduce_ex__(5)),
    # `pickle` says that it has not found a class if it finds no memory meanwhile.
    Operation("pickled", edges.Luggage, pickled, views=no_views, others=("PicklingError",)),
    Operation("copied", edges.Luggage, lambda thing: thing.__copy__(), views=no_views),
    Operation("copied: subclass", attributed, lambda thing: thing.__copy__(), views=no_views),
    Operation("copied: slots", slotted, lambda thing: thing.__copy__(), views=no_views),
    Operation("copied deeply", edges.Luggage, lambda thing: thing.__deepcopy__({}), views=no_views),
    Operation("rebuild", reduced, rebuild),
    Operation("rebuild: imported", lambda: reduced(edges.Shipment([1, 2])), rebuilding(edges.Shipment)),
    # An `Arc` cannot be made without memory.
    Operation("make: arrays", lambda: reduced(edges.Arrays("C")), rebuilding(edges.Arrays)),
    Operation("make: copied arrays", lambda: edges.Arrays("reversed"), lambda thing: thing.__copy__(), views=no_views),
    *(
        refused(f"rebuild: {name}", lambda change=change: {**reduced(), **change}, rebuild, "UnpicklingError")
        for name, change in [
            ("a field more", {"more": 1}),
            ("no memory", {"long": 1}),
            ("other elements", {"long": ("B", b"")}),
            ("no bytes", {"small": ("B", 1)}),
            ("too many", {"array": (PORTABLE_INTEGER, bytes(16))}),
        ]
    ),
    refused("reduce: not found", edges.Nowhere, lambda thing: thing.__reduce_ex__(4), "PicklingError")._replace(
        views=no_views
    ),
    refused("reduce: by Rust", edges.RustTraveller, lambda thing: thing.__reduce_ex__(4), "PicklingError")._replace(
        views=no_views
    ),
    refused("reduce: argument", edges.Luggage, lambda thing: thing.__reduce_ex__("4"), "TypeError")._replace(
        views=no_views
    ),
    Operation("stable block", lambda: edges.Series([1.0]), lambda thing: thing.view(stable=True).__enter__().release()),
    Operation("range", lambda: bytearray(b"abcdef"), ranged(1, 3)),
    Operation("block of bytes", lambda: bytearray(b"abcdef"), block),
    Operation("block of an array", doubles, block),
    refused("kept", lambda: edges.Series([1.0]), kept_block)._replace(views=no_views),
    refused("entered twice", lambda: edges.Series([1.0]), entered_twice, "RuntimeError"),
    refused("array of no view", lambda: edges.Series([1.0]), scoped_array, "TypeError"),
    refused("block of a number", lambda: 5, block, "TypeError"),
    refused("negative range", lambda: bytearray(6), ranged(-1, 3), "ValueError"),
    refused("range behind the end", lambda: bytearray(6), ranged(7, 0), "ValueError"),
    refused("long range", lambda: bytearray(6), ranged(3, 4), "ValueError"),
    Operation("scale", doubles, lambda thing: consumer.scale(thing, 2.0)),
    Operation("scale in columns", lambda: np.zeros((3, 4))[:, ::2], lambda thing: consumer.scale(thing, 2.0)),
    Operation("add", doubles, lambda thing: consumer.add_to(thing, thing)),
    Operation("count", lambda: b"abc", consumer.count),
    Operation("floats", doubles, consumer.copy_floats),
    Operation("floats in columns", lambda: np.zeros((3, 4), "f4")[:, ::2], consumer.copy_floats),
    Operation("borrow", doubles, consumer.mean),
    Operation("borrow: stable", lambda: edges.Series([1.0]), consumer.view_stable),
    Operation("borrow: stable part", lambda: edges.Several().first_values(2), consumer.view_stable),
    Operation("borrow: stable or copy", lambda: edges.Series([1.0]), consumer.view_or_copy),
    Operation("borrow: copy", doubles, consumer.view_or_copy),
    *(
        Operation(f"{name} of {whose} tensor", produced(make), act, views=tensors_left)
        for whose, make in [("our", lambda: edges.Series([1.0, 2.0])), ("numpy's", doubles)]
        for name, act in [
            ("scale", lambda thing: consumer.scale(thing, 2.0)),
            ("floats", consumer.copy_floats),
            ("borrow: copy", consumer.view_or_copy),
        ]
        # The tensors of older versions of numpy do not say that they may be written.
        if AS_NUMPY_2 or (name, whose) != ("scale", "numpy's")
    ),
    refused("consumed: stable array", doubles, consumer.view_stable, "BufferError"),
    refused(
        "consumed: stable beside a writer",
        viewed(lambda: edges.Series([1.0])),
        lambda held: consumer.view_stable(held[0]),
        "BufferError",
    )._replace(views=viewed_views),
    *(
        Operation(f"convert: {name}", make, consumer.mean, others=NUMPYS)
        for name, make in [
            ("singles", lambda: np.arange(6, dtype="f4")),
            ("list", lambda: [1, 2.5, 3]),
            ("number", lambda: 5),
        ]
    ),
    *(
        refused(f"consumed: {name}", make, lambda thing: consumer.scale(thing, 2.0), error)._replace(panics=NOTE)
        for name, make, error in [
            ("number", lambda: 5, "TypeError"),
            ("wrong dtype", lambda: np.arange(6, dtype="i4"), "BufferError"),
            ("record", lambda: np.zeros(3, dtype=[("a", "f8"), ("b", "i4")]), "BufferError"),
            ("strange format", liar(format=b"T{y}"), "BufferError"),
            ("format without UTF-8", liar(format=b"\xff"), "BufferError"),
            ("wrong itemsize", liar(format=b"d", itemsize=3), "BufferError"),
            ("no owner", liar(format=b"d", null_obj=True), "BufferError"),
            ("tensor of a wrong dtype", produced(lambda: edges.Owner([1])), "BufferError"),
            ("read-only tensor", produced(lambda: edges.ReadOnlyOwner([1])), "BufferError"),
            ("tensor elsewhere", produced(doubles, device=partial(tuple, (2, 0))), "BufferError"),
            ("no tensor", produced(doubles, dlpack=partial(int)), "BufferError"),
            ("refused tensor", produced(closed), "BufferError"),
        ]
    ),
    *(
        # Where Python has no notes, PyO3 does find memory for its addition to numpy's own error.
        refused(f"consumed: {name}", make, act, error)._replace(
            panics=NOTE and (name != "texts to convert" or sys.version_info >= (3, 11)), others=NUMPYS
        )
        for name, make, act, error in [
            ("no floats", lambda: np.arange(6), consumer.copy_floats, "BufferError"),
            ("no float output", lambda: np.arange(6), lambda thing: consumer.fill_floats(thing, 1.0), "BufferError"),
            ("texts to convert", lambda: ["a"], consumer.mean, "TypeError"),
            ("rows to convert", lambda: [[1], [2, 3]], consumer.mean, "ValueError"),
            ("integers that do not fit", lambda: [1, 300], consumer.converted_to_int8, "ValueError"),
            ("refused", closed, consumer.mean, "BufferError"),
        ]
    ),
]

# The operations that run only slots and the project's own code. The others make or grow an object, call functions of
# PyO3, or make a consumer's view: these end the process if Rust has no memory.
OF_SLOTS = [
    operation
    for operation in OPERATIONS
    if not operation.panics
    and not operation.first
    and not operation.name.startswith(
        ("make: ", "append", "scale", "add", "count", "floats", "borrow", "convert", "refused: consumed")
    )
]
