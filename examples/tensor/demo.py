"""torch, JAX and numpy compute on Rust's memory without a copy, and Rust does not move it meanwhile.

torch and JAX take part if they are installed. Run it with any Python that has tensor and numpy installed; `cargo xtask
develop` installs them into `.venv`.
"""

import gc
import importlib
import sys

try:
    import numpy as np
    from tensor import Tensor
except ImportError as error:
    sys.exit(f"{error}; `cargo xtask develop` installs what the demo needs into `.venv`")


def main():
    t = Tensor((2, 3))
    t.fill(1)
    print("Rust has", items(t))
    for name, compute in (("torch", double), ("jax.dlpack", total), ("numpy", negate)):
        try:
            library = importlib.import_module(name)
        except ImportError:
            print(f"\n{name.partition('.')[0]} is not installed")
            continue
        show(t, name.partition(".")[0], library, compute)
    t.resize((3, 3))
    print("\nno tensor is alive any more, and it grows:", t)


def show(t, name, library, compute):
    theirs = library.from_dlpack(t)
    print(f"\n{name} {compute(theirs)}: Rust has {items(t)}")
    t.add(np.ones((2, 3), dtype=np.float32))
    print(f"Rust adds 1: {name} has {np.asarray(theirs).tolist()}")
    try:
        t.resize((3, 3))
    except BufferError as error:
        print("Rust cannot grow it:", error)
    del theirs
    gc.collect()


def double(theirs):
    theirs.mul_(2)
    return "doubles it in place"


def total(theirs):
    # An array of JAX is not written from Python.
    return f"adds it up to {float(theirs.sum())}"


def negate(theirs):
    if not theirs.flags.writeable:
        # numpy before 2.1 takes every tensor as read-only.
        return "shows it"
    np.negative(theirs, out=theirs)
    return "negates it in place"


def items(t):
    return np.asarray(t).tolist()


if __name__ == "__main__":
    main()
