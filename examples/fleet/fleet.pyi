from typing import Any

from typing_extensions import Self

__all__ = ["Samples"]

class Samples:
    """Samples, float64, whose number may change."""

    def __new__(cls, count: int) -> Self:
        """So many samples, all 0. Raises `MemoryError` if there is no memory for them."""

    def sum(self) -> float:
        """Their sum. Raises `BufferError` while they are being resized."""

    def scale(self, factor: float) -> None:
        """Multiplies each by a factor, in place: arrays of them show it. Samples in the memory in which they have
        arrived are copied first; that raises `BufferError` while they are viewed."""

    def append(self, sample: float) -> None:
        """Adds a sample at the end. Raises `BufferError` while they are viewed: also while they are being sent."""

    @property
    def imported(self) -> bool:
        """Whether they are in the memory in which they have arrived. Then arrays of them are read-only."""

    @property
    def views(self) -> int:
        """How many views of them are alive."""

    def __sizeof__(self) -> int:
        """The bytes of the object and of its samples, by which Dask decides what to spill to disk."""

    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __release_buffer__(self, buffer: memoryview, /) -> None: ...
    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> Any: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: dict[int, Any], /) -> Self: ...
    @classmethod
    def __buffer_rebuild__(cls, version: int, fields: dict[str, Any], /) -> Self:
        """Makes an object of what a pickle says."""
