from collections.abc import Iterable, Sequence
from typing import Any, SupportsIndex

from typing_extensions import Buffer, Self

__all__ = ["DynArray", "Rows"]

class DynArray:
    """A copy of bytes, exported with just this format, shape, strides and offset."""

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

        `format` is what one item is, as the `struct` module writes it. `strides` and `offset` are in bytes; strides may
        be negative or 0, as long as all items lie inside the data. Without `strides` the items follow each other in C
        order. Without `shape` there are as many items as lie behind the offset.

        Raises `ValueError` or `TypeError`, which name the argument, for whatever could not be viewed.
        """

    def resize(self, nbytes: SupportsIndex) -> None:
        """Changes the size of the data; new bytes are 0. Made without `shape`, the array gets more or fewer items.

        Raises `BufferError` while any view is alive, and `ValueError` if items would not lie inside, or in part.
        """

    @property
    def format(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def strides(self) -> tuple[int, ...]:
        """In bytes; those of C order where none were given."""

    @property
    def nbytes(self) -> int:
        """The size of all items together, which may be more or less than the data's."""

    @property
    def readonly(self) -> bool:
        """Whether views are read-only: that was asked for, or items overlap, and writing one would change another."""

    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __release_buffer__(self, buffer: memoryview, /) -> None: ...
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Asked by numpy only where it got no view: raises the `BufferError` that numpy keeps to itself."""

class Rows:
    """Equally long rows, each in an allocation of its own: a buffer of two dimensions with suboffsets.

    memoryview reads and writes it; numpy refuses it with a `BufferError`.
    """

    def __new__(cls, rows: Iterable[Buffer], *, format: str = "B") -> Self:
        """Copies each row. Raises `ValueError` or `TypeError`, which name the row, for rows that differ in length."""

    @property
    def format(self) -> str: ...
    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows, and of items in each."""

    @property
    def nbytes(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __release_buffer__(self, buffer: memoryview, /) -> None: ...
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Raises the `BufferError` that numpy keeps to itself."""
