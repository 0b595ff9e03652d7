"""Exports memory of Rust with any layout that PEP 3118 can describe.

Run it with any Python that has numpy and dynarray installed. `cargo xtask develop` installs both into `.venv`.
"""

import numpy as np
from dynarray import DynArray, Rows


def main():
    pixels = bytes(range(24))

    picture = DynArray(pixels, shape=(2, 4, 3))
    print("A picture of 2 x 4 pixels, as numpy shows it:", np.asarray(picture).tolist(), sep="\n   ")

    upside_down = DynArray(pixels, shape=(2, 4, 3), strides=(-12, 3, 1), offset=12)
    print("Upside down, with a negative stride:", np.asarray(upside_down).tolist(), sep="\n   ")

    green = DynArray(pixels, shape=(2, 4), strides=(12, 3), offset=1)
    print("Only its green values:", np.asarray(green).tolist(), sep="\n   ")

    wide = DynArray(pixels[:3], shape=(2, 3), strides=(0, 1))
    print("One pixel twice, which is read-only:", np.asarray(wide).tolist(), f"{wide.readonly=}", sep="\n   ")

    points = DynArray(bytes(24), format="T{=H:x:=H:y:4s:tag:}")
    np.asarray(points)[1] = (3, 4, b"ab")
    print("Records:", np.asarray(points).tolist(), sep="\n   ")
    points.resize(32)
    print("   one more:", np.asarray(points).shape)

    rows = Rows([b"one", b"two", b"six"])
    print("Rows that are allocated one by one:", memoryview(rows)[::-2].tobytes(), sep="\n   ")

    print("What does not fit is refused at once:")
    for wrong in dict(shape=(5, 5)), dict(shape=(2,), strides=(-1,)), dict(format="y"), dict(offset=2**70):
        try:
            DynArray(pixels, **wrong)
        except ValueError as error:
            print(f"   {error}")


if __name__ == "__main__":
    main()
