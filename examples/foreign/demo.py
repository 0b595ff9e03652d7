"""Memory of a C library in numpy: the arrays are valid after the wrapper has died, and nothing is leaked.

Run it with any Python that has numpy and the package installed. `cargo xtask develop` installs both into `.venv`.
"""

import numpy as np
from foreign import Wrapper, live_allocations


def main():
    w = Wrapper(10)
    a = np.asarray(w)
    print("The library's memory, as numpy shows it:", a)

    halves = [a[:5], a[5:]]
    del w, a
    print("The wrapper is gone, its memory is not:", *halves, f"live allocations: {live_allocations()}")
    print("   their product:", np.dot(*halves))

    halves.clear()
    print("No array is left. Live allocations:", live_allocations())

    w = Wrapper(4)
    a = np.asarray(w)
    np.copyto(a, [2, 3, 5, 7])
    try:
        w.free()
    except BufferError as error:
        print("Freed under an array? BufferError:", error)
    print("   and so it still says", a)

    del a
    w.free()
    print("Without the array it is freed. Live allocations:", live_allocations())
    try:
        np.asarray(w)
    except BufferError as error:
        print("Another array? BufferError:", error)


if __name__ == "__main__":
    main()
