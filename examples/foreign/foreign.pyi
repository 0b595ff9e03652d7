from typing import Any, SupportsIndex, final

from typing_extensions import Self

__all__ = ["Wrapper", "live_allocations"]

@final
class Wrapper:
    """The int32 numbers from 0 to n - 1, in memory that a C library allocates."""

    def __new__(cls, n: SupportsIndex) -> Self:
        """Raises `MemoryError` if the library cannot allocate memory, and `ValueError` or `TypeError` for a bad `n`."""

    def free(self) -> None:
        """Frees the memory now. Raises `BufferError` while any view is alive. A second call does nothing.

        Without this call, the memory is freed when the object and all its views are gone.
        """

    def __len__(self) -> int:
        """The number of numbers. 0 after `free`."""

    def __buffer__(self, flags: int, /) -> memoryview:
        """A view of shape `(n,)` and format `"i"`. Raises `BufferError` after `free`."""

    def __release_buffer__(self, buffer: memoryview, /) -> None: ...
    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> Any:
        """numpy calls it only if a view was refused. It raises the `BufferError` that numpy itself hides."""

def live_allocations() -> int:
    """The number of allocations of the library that are not freed yet."""
