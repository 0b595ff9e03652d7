"""torch or JAX, if it is installed, and numpy compute on Rust's memory in place, and Rust does not move it meanwhile.

Run it with any Python that has tensor and numpy installed; `cargo xtask develop` installs them into `.venv`.
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
    for name in ("torch", "jax.dlpack", "numpy"):
        try:
            library = importlib.import_module(name)
        except ImportError:
            print(f"{name} is not installed")
            continue
        show(t, name, library)
    t.resize((3, 3))
    print("nobody looks any more, and it grows:", t)


def show(t, name, library):
    theirs = library.from_dlpack(t)
    if name == "torch":
        theirs.mul_(2)
    elif name == "numpy":
        np.multiply(np.asarray(t), 2, out=np.asarray(t))
    t.add(np.ones((2, 3), dtype=np.float32))
    print(f"{name} shows", np.asarray(theirs).tolist(), "and Rust", np.asarray(t).tolist())
    try:
        t.resize((3, 3))
    except BufferError as error:
        print("resize:", error)
    del theirs
    gc.collect()


if __name__ == "__main__":
    main()
