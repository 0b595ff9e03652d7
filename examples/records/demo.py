"""Rust moves particles while numpy shows them.

Run it with any Python that has numpy and records installed. `cargo xtask develop` installs both into `.venv`.
"""

import numpy as np
from records import Particles


def main():
    particles = Particles(3)
    a = np.asarray(particles)
    print("A Vec of structs in Rust, a structured array in numpy:", a.dtype, sep="\n   ")

    a["velocity"] = [[1, 0, 0], [0, 2, 0], [0, 0, 3]]
    fast = a[a["velocity"].sum(axis=1) > 1]["id"]
    print("What numpy writes, Rust reads. Faster than 1 are:", fast, sep="\n   ")

    x = a["position"]
    particles.step(0.5)
    particles.step(0.5)
    print("Rust has moved them, and the same array shows where they are:", x, sep="\n   ")

    try:
        particles.resize(4)
    except BufferError as error:
        print("One more might need memory in another place:", error, sep="\n   ")
    del a, x
    particles.resize(4)
    print("With no array alive there is nothing in the way:", np.asarray(particles)["id"], sep="\n   ")


if __name__ == "__main__":
    main()
