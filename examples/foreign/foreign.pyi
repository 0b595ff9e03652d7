from typing import Any, SupportsIndex

from typing_extensions import Self

__all__ = ["Wrapper", "live_allocations"]

class Wrapper:
    """The int32 numbers from 0 to n - 1, in memory of a C library."""

    def __new__(cls, n: SupportsIndex) -> Self:
        """Raises `MemoryError` if the library has no memory for them; `ValueError` or `TypeError` for a bad number."""

    def free(self) -> None:
        """Gives the memory back now. Raises `BufferError` while anything shows it; a second time does nothing.

        Without it, the memory is given back when the object and everything that shows it are gone.
        """

    def __len__(self) -> int:
        """How many numbers there are; 0 when they are freed."""

    def __buffer__(self, flags: int, /) -> memoryview:
        """A view of shape `(n,)` and format `"i"`. Raises `BufferError` when the memory is freed."""

    def __release_buffer__(self, buffer: memoryview, /) -> None: ...
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Asked by numpy only where it got no view: raises the `BufferError` that numpy keeps to itself."""

def live_allocations() -> int:
    """How many allocations of the library are alive."""
