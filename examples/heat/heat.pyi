from typing import Any, SupportsFloat, SupportsIndex

from typing_extensions import Self

__all__ = ["Plate"]

class Plate:
    """Temperatures on a plate, exported as a float64 array of shape `(height, width)`."""

    def __new__(cls, height: SupportsIndex, width: SupportsIndex) -> Self:
        """A plate of temperature 0. `step` does not change the outermost cells."""

    def step(self, n: SupportsIndex = 1, rate: SupportsFloat = 0.2) -> None:
        """Advances the temperatures by `n` steps. Views may be alive. Other threads run meanwhile.

        In each step, an inner cell takes over `rate` of its difference to each of its four neighbours. Up to 0.25 that
        is stable. Ctrl-C ends the call after some of the steps; `steps` counts them.
        """

    @property
    def steps(self) -> int:
        """How many steps were computed so far, by all calls of `step`."""

    def __buffer__(self, flags: int, /) -> memoryview:
        """A view of shape `(height, width)` and format `"d"`, as `memoryview` and numpy request it."""

    def __release_buffer__(self, buffer: memoryview, /) -> None: ...
    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> Any:
        """numpy calls it only if a view was refused. It raises the `BufferError` that numpy itself hides."""
