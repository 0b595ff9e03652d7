from collections.abc import Iterable, Sequence
from typing import Any, SupportsIndex

from typing_extensions import Buffer, Self

__all__ = ["DynArray", "Rows"]

class DynArray:
    """A copy of bytes, exported with a given format, shape, strides and offset."""

    def __new__(
        cls,
        data: Buffer,
        *,
        format: str = "B",
        shape: Sequence[SupportsIndex] | None = None,
        strides: Sequence[SupportsIndex] | None = None,
        offset: SupportsIndex = 0,
        readonly: bool = False,
    ) -> Self:
        """Copies the items of `data` in C order.

        `format` describes one item, in the notation of the `struct` module. `strides` and `offset` are in bytes. The
        strides may be negative or 0 if all items are inside the data. Without `strides`, the items are contiguous, in
        C order. Without `shape`, the array has one dimension: all items from the offset to the end of the data.

        Raises `ValueError` or `TypeError` if no view could be granted. The message names the argument.
        """

    def resize(self, nbytes: SupportsIndex) -> None:
        """Changes the size of the data. New bytes are 0. An array made without `shape` gets more or fewer items.

        Raises `BufferError` while any view is alive, and `ValueError` if an item would be outside the data, in whole or
        in part.
        """

    @property
    def format(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def strides(self) -> tuple[int, ...]:
        """The strides in bytes. C order unless others were given."""

    @property
    def nbytes(self) -> int:
        """The total size of all items in bytes. It may be larger or smaller than the data."""

    @property
    def readonly(self) -> bool:
        """Whether views are read-only: because `readonly` was true, or because writing one item may change another."""

    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __release_buffer__(self, buffer: memoryview, /) -> None: ...
    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> Any:
        """numpy calls it only if a view was refused. It raises the `BufferError` that numpy itself hides."""

class Rows:
    """Rows of equal length, each in its own allocation: a buffer of two dimensions with suboffsets.

    memoryview reads and writes it. numpy refuses it with a `BufferError`.
    """

    def __new__(cls, rows: Iterable[Buffer], *, format: str = "B") -> Self:
        """Copies each row. Rows of different lengths raise `ValueError` or `TypeError`, which name the row."""

    @property
    def format(self) -> str: ...
    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows, and the number of items in each row."""

    @property
    def nbytes(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __release_buffer__(self, buffer: memoryview, /) -> None: ...
    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> Any:
        """Raises the `BufferError` that numpy itself hides."""
