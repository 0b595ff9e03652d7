"""Rust computes on the memory of other objects.

Run it with any Python that has numpy and consume installed. `cargo xtask develop` installs both into `.venv`.
"""

import array
import ctypes

import numpy as np
from consume import checksum, dot, hold, scale, sum_array


def main():
    print("A sum of int32, in the memory of any exporter:")
    show("array.array", sum_array(array.array("i", [1, 2, 3])))
    show("ctypes", sum_array((ctypes.c_int * 3)(1, 2, 3)))
    show("bytes", sum_array(memoryview(bytes(range(8))).cast("i")))
    show("numpy", sum_array(np.full(3, 2**31 - 1, np.int32)))

    print("Any layout will do, and nothing is copied first:")
    a = np.arange(12, dtype=np.int32).reshape(3, 4)
    show("every other column, backwards", sum_array(a[:, ::-2]))

    print("A product of two, and an update in place:")
    x = np.linspace(0, 1, 5)
    show("dot(x, x[::-1])", dot(x, x[::-1]))
    scale(x[1:], 10)
    show("after scale(x[1:], 10)", x)

    print("A checksum of memory that nobody changes meanwhile, or of a copy:")
    show("checksum(b'bytes')", checksum(b"bytes"))
    show("checksum(x)", checksum(x))
    for promise in (lambda: checksum(x, copy=False), lambda: hold(x)):
        try:
            promise()
        except BufferError as error:
            show("BufferError", error)

    print("What does not fit is refused:")
    for wrong in [1, 2, 3], np.arange(3.0), np.arange(3, dtype=">i4"), b"abcd":
        try:
            sum_array(wrong)
        except (TypeError, BufferError) as error:
            show(type(error).__name__, error)
    try:
        scale(np.broadcast_to(x, (2, 5)), 2)
    except BufferError as error:
        show("BufferError", error)


def show(what, value):
    print(f"   {what}: {value}")


if __name__ == "__main__":
    main()
