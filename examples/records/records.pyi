from typing import Any, SupportsFloat, SupportsIndex

from typing_extensions import Self

__all__ = ["Particles"]

class Particles:
    """Particles, exported as one structured array of ids, charges, positions and velocities."""

    def __new__(cls, n: SupportsIndex) -> Self:
        """`n` particles at rest at the origin, with the ids from 0 to n - 1."""

    def step(self, dt: SupportsFloat) -> None:
        """Moves every particle by its velocity times `dt`. Views may be alive. Other threads run meanwhile."""

    def resize(self, n: SupportsIndex) -> None:
        """Removes the last particles, or adds some at rest. Raises `BufferError` while any view is alive."""

    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview:
        """A view of shape `(len(self),)`, whose items are records, as `memoryview` and numpy request it."""

    def __release_buffer__(self, buffer: memoryview, /) -> None: ...
    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> Any:
        """numpy calls it only if a view was refused. It raises the `BufferError` that numpy itself hides."""
