from typing import Any

from typing_extensions import Self

__all__ = ["Matrix"]

class Matrix:
    """Memory of float32 with the buffer protocol: a fixed number of columns, a growing number of rows."""

    def __new__(cls, ncols: int, nrows: int | None = None) -> Self:
        """A matrix of zeros; without `nrows` it has no rows yet."""

    def add_row(self) -> None:
        """Appends a row of zeros. Raises `BufferError` while any view of the memory is alive."""

    @property
    def nrows(self) -> int: ...
    @property
    def ncols(self) -> int: ...
    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview:
        """A view of shape `(nrows, ncols)` and format `"f"`: what `memoryview` and numpy ask for."""

    def __release_buffer__(self, buffer: memoryview, /) -> None: ...
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Asked by numpy only where it got no view: raises the `BufferError` that numpy keeps to itself."""
