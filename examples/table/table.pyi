from collections.abc import Iterator
from typing import Any, Generic, TypeVar, final

from typing_extensions import Self

__all__ = ["Rows", "Table"]

_Item = TypeVar("_Item")

@final
class _Column(Generic[_Item]):
    """A column as a buffer. It holds the table, and locks nothing until it is viewed."""

    @property
    def shape(self) -> tuple[int]: ...
    @property
    def strides(self) -> tuple[int]: ...
    @property
    def format(self) -> str: ...
    @property
    def itemsize(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def ndim(self) -> int: ...
    @property
    def readonly(self) -> bool: ...
    @property
    def obj(self) -> Table: ...
    @property
    def views(self) -> int:
        """How many views of the column are alive."""

    def view(self) -> Any:
        """A view for one `with` block."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> _Item: ...
    def __setitem__(self, index: int, value: _Item) -> None: ...
    def __iter__(self) -> Iterator[_Item]: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __release_buffer__(self, buffer: memoryview, /) -> None: ...
    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> Any: ...

class Table:
    """Two columns that grow together: `time`, int64, and `value`, float64."""

    def __new__(cls) -> Self:
        """A table without rows."""

    def append(self, time: int, value: float) -> None:
        """Appends a row. Raises `BufferError` while either column is viewed; then neither has changed."""

    def clear(self) -> None:
        """Removes all rows. Raises `BufferError` while either column is viewed; then neither has changed."""

    def rows(self, start: int, stop: int) -> Rows:
        """The rows from `start` to before `stop`, without a copy."""

    @property
    def time(self) -> _Column[int]:
        """The times: a buffer of int64."""

    @property
    def value(self) -> _Column[float]:
        """The values: a buffer of float64."""

    def __len__(self) -> int: ...

@final
class Rows:
    """Some rows of a table. They stay the same rows when the table grows."""

    @property
    def time(self) -> _Column[int]: ...
    @property
    def value(self) -> _Column[float]: ...
    def __len__(self) -> int: ...
