"""Operations on the examples, for `without_memory`."""

import os
import tempfile

import consume
import dynarray
import fleet
import foreign
import heat
import mapfile
import matrix
import numpy as np
import records
from without_memory import Operation

RETURN = "makes an object of what a function returns, which is not to fail"
ARGUMENTS = "makes strings, which are not to fail, of arguments that are missing or not known"


class Sub(matrix.Matrix):
    pass


def view(thing):
    memoryview(thing).release()


def array(thing):
    np.asarray(thing)


def path(length):
    descriptor, name = tempfile.mkstemp()
    os.truncate(descriptor, length)
    os.close(descriptor)
    return name


def mapped():
    name = path(64)
    file = mapfile.MapFile(name)
    os.unlink(name)
    return file


def closed():
    file = mapped()
    file.close()
    return file


def block(file):
    with file.view(8, 16) as v:
        v.tobytes()


def nothing():
    return None


def made(name, make, expected="done", panics=""):
    return Operation(name, nothing, lambda _: make(), expected, panics=panics)


def on(name, make, act, expected="done", panics=""):
    return Operation(name, make, act, expected, panics=panics)


def viewed(make):
    def held():
        thing = make()
        return thing, memoryview(thing)

    return held


MAKERS = {
    "matrix": lambda: matrix.Matrix(3, 2),
    "subclass": lambda: Sub(3, 2),
    "dynarray": lambda: dynarray.DynArray(bytes(24), format="<f", shape=(2, 3)),
    "rows": lambda: dynarray.Rows([b"abcd", b"efgh"], format="<h"),
    "particles": lambda: records.Particles(3),
    "foreign": lambda: foreign.Wrapper(3),
    "plate": lambda: heat.Plate(3, 4),
    "samples": lambda: fleet.Samples(3),
}

OPERATIONS = [
    *(made(f"make: {name}", make) for name, make in MAKERS.items()),
    *(on(f"view: {name}", make, view) for name, make in MAKERS.items()),
    *(
        # numpy reads the format of records in Python.
        on(f"asarray: {name}", make, array)._replace(
            others=("ValueError", "TypeError", "SystemError"), in_python=name == "particles"
        )
        for name, make in MAKERS.items()
        if name != "rows"
    ),
    *(on(f"repr: {name}", make, repr, panics=RETURN) for name, make in MAKERS.items() if name != "foreign"),
    made("matrix of a text", lambda: matrix.Matrix("x"), "TypeError"),
    made("negative matrix", lambda: matrix.Matrix(-1), "ValueError"),
    made("large matrix", lambda: matrix.Matrix(2**70), "ValueError"),
    made("matrix without room", lambda: matrix.Matrix(2**60, 1), "MemoryError"),
    made("matrix of nothing", matrix.Matrix, "TypeError")._replace(aborts=ARGUMENTS),
    on("add_row", MAKERS["matrix"], lambda m: m.add_row()),
    on("add_row, viewed", viewed(MAKERS["matrix"]), lambda held: held[0].add_row(), "BufferError"),
    made("dynarray of a wrong format", lambda: dynarray.DynArray(b"", format="y"), "ValueError"),
    made("dynarray of an empty format", lambda: dynarray.DynArray(b"", format="0s"), "ValueError"),
    made("dynarray of a number", lambda: dynarray.DynArray(5), "TypeError"),
    made("dynarray of a wrong shape", lambda: dynarray.DynArray(bytes(4), shape=(5,)), "ValueError"),
    made("dynarray of a text as shape", lambda: dynarray.DynArray(bytes(4), shape=("x",)), "TypeError"),
    made("dynarray of a mapping as shape", lambda: dynarray.DynArray(bytes(4), shape={}), "TypeError"),
    made("dynarray of a number as format", lambda: dynarray.DynArray(b"", format=5), "TypeError"),
    made("dynarray of strides without a shape", lambda: dynarray.DynArray(bytes(4), strides=(1,)), "ValueError"),
    on("dynarray.resize", MAKERS["dynarray"], lambda a: a.resize(24)),
    on("dynarray.resize, viewed", viewed(MAKERS["dynarray"]), lambda held: held[0].resize(24), "BufferError"),
    on("dynarray.shape", lambda: dynarray.DynArray(bytes(300)), lambda a: a.shape, panics=RETURN),
    made("rows of unlike length", lambda: dynarray.Rows([b"ab", b"c"]), "ValueError"),
    on("step", MAKERS["particles"], lambda p: p.step(0.5)),
    on("particles.resize", MAKERS["particles"], lambda p: p.resize(5)),
    on("particles.resize, viewed", viewed(MAKERS["particles"]), lambda held: held[0].resize(5), "BufferError"),
    made("particles of a text", lambda: records.Particles("x"), "TypeError"),
    made("negative particles", lambda: records.Particles(-1), "ValueError"),
    on("plate.step", MAKERS["plate"], lambda p: p.step(3, 0.1)),
    on("plate.step, viewed", viewed(MAKERS["plate"]), lambda held: held[0].step()),
    on("plate.step of a large rate", MAKERS["plate"], lambda p: p.step(1, 0.3), "ValueError"),
    on("plate.step of a text", MAKERS["plate"], lambda p: p.step("x"), "TypeError"),
    on("plate.steps", MAKERS["plate"], lambda p: p.steps),
    made("small plate", lambda: heat.Plate(2, 3), "ValueError"),
    made("plate without room", lambda: heat.Plate(2**30, 2**30), "MemoryError"),
    made("samples of a text", lambda: fleet.Samples("x"), "TypeError"),
    made("negative samples", lambda: fleet.Samples(-1), "ValueError"),
    made("samples without room", lambda: fleet.Samples(2**62), "MemoryError"),
    on("samples.append", MAKERS["samples"], lambda s: s.append(1.0)),
    on("samples.append, viewed", viewed(MAKERS["samples"]), lambda held: held[0].append(1.0), "BufferError"),
    on("samples.scale", MAKERS["samples"], lambda s: s.scale(2)),
    on("samples.scale by a text", MAKERS["samples"], lambda s: s.scale("x"), "TypeError"),
    on("samples, copied", MAKERS["samples"], lambda s: s.__copy__()),
    on("samples, reduced", MAKERS["samples"], lambda s: s.__reduce_ex__(5)),
    made("negative numbers", lambda: foreign.Wrapper(-1), "ValueError"),
    made("numbers without room", lambda: foreign.Wrapper(2**62), "MemoryError"),
    on("free", MAKERS["foreign"], lambda w: w.free()),
    on("free, viewed", viewed(MAKERS["foreign"]), lambda held: held[0].free(), "BufferError"),
    on("sum_array", lambda: np.arange(500, dtype="i4"), consume.sum_array, panics=RETURN),
    on("sum_array of a wrong dtype", lambda: np.arange(5.0), consume.sum_array, "BufferError"),
    on("sum_array of a number", lambda: 5, consume.sum_array, "TypeError"),
    on("scale", lambda: np.arange(5.0), lambda a: consume.scale(a, 2.0)),
    on("scale of what is read-only", lambda: np.frombuffer(bytes(16)), lambda a: consume.scale(a, 2.0), "BufferError"),
    on("dot of unlike length", lambda: np.arange(5.0), lambda a: consume.dot(a, a[1:]), "ValueError"),
    on("dot of two dimensions", lambda: np.zeros((2, 2)), lambda a: consume.dot(a, a), "ValueError"),
    on("mapfile", lambda: path(64), mapfile.MapFile),
    made("mapfile of nothing there", lambda: mapfile.MapFile("/nope"), "FileNotFoundError"),
    made("mapfile of a folder", lambda: mapfile.MapFile("/"), "IsADirectoryError"),
    on("mapfile of an empty file", lambda: path(0), mapfile.MapFile, "ValueError"),
    made("mapfile of a number", lambda: mapfile.MapFile(5), "TypeError"),
    made("mapfile of a text as length", lambda: mapfile.MapFile("/", "x"), "TypeError"),
    on("mapfile, block", mapped, block),
    on("mapfile, view", mapped, view),
    on("mapfile, long range", mapped, lambda f: f.view(0, 100), "ValueError"),
    on("mapfile, resize", mapped, lambda f: f.resize(32)),
    on("mapfile, resize, viewed", viewed(mapped), lambda held: held[0].resize(32), "BufferError"),
    on("mapfile, header", mapped, lambda f: setattr(f.header(0), "step", 5)),
    on("mapfile, magic", mapped, lambda f: setattr(f.header(0), "magic", b"abc"), "ValueError"),
    on("mapfile, header at the end", mapped, lambda f: f.header(60), "ValueError"),
    on("mapfile, flush", mapped, lambda f: f.flush()),
    on("mapfile, flush, closed", closed, lambda f: f.flush(), "ValueError"),
    on("mapfile, view, closed", closed, view, "BufferError"),
    on("mapfile, close", mapped, lambda f: f.close()),
]
