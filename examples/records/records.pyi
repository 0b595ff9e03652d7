from typing import Any, SupportsFloat, SupportsIndex

from typing_extensions import Self

__all__ = ["Particles"]

class Particles:
    """Particles with the buffer protocol: one structured array of ids, charges, positions and velocities."""

    def __new__(cls, n: SupportsIndex) -> Self:
        """`n` particles at rest in the origin, with the ids from 0 to n - 1."""

    def step(self, dt: SupportsFloat) -> None:
        """Moves every particle by its velocity times `dt`, views or no views; other threads run meanwhile."""

    def resize(self, n: SupportsIndex) -> None:
        """Removes the last particles, or adds some at rest. Raises `BufferError` while any view is alive."""

    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview:
        """A view of shape `(len(self),)`, whose items are records: what `memoryview` and numpy ask for."""

    def __release_buffer__(self, buffer: memoryview, /) -> None: ...
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Asked by numpy only where it got no view: raises the `BufferError` that numpy keeps to itself."""
