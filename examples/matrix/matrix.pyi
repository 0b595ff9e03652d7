from typing import Any

from typing_extensions import Self

__all__ = ["Matrix"]

class Matrix:
    """A float32 matrix that exports its memory as a buffer: a fixed number of columns, a growing number of rows."""

    def __new__(cls, ncols: int, nrows: int | None = None) -> Self:
        """A matrix of zeros. Without `nrows`, it has no rows."""

    def add_row(self) -> None:
        """Appends a row of zeros. Raises `BufferError` while any view of the memory is alive."""

    @property
    def nrows(self) -> int: ...
    @property
    def ncols(self) -> int: ...
    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview:
        """A view of shape `(nrows, ncols)` and format `"f"`, as `memoryview` and numpy request it."""

    def __release_buffer__(self, buffer: memoryview, /) -> None: ...
    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> Any:
        """numpy calls it only if a view was refused. It raises the `BufferError` that numpy itself hides."""
