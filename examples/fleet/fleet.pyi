from typing import Any

from typing_extensions import Self

__all__ = ["Samples"]

class Samples:
    """Samples, float64, whose number may change."""

    def __new__(cls, count: int) -> Self:
        """`count` samples, all 0. Raises `MemoryError` if there is no memory for them."""

    def sum(self) -> float:
        """The sum of the samples. Raises `BufferError` while they are being resized."""

    def scale(self, factor: float) -> None:
        """Multiplies each sample by a factor, in place. Arrays of the samples show the result. Samples in the memory in
        which they arrived are copied first, which raises `BufferError` while they are viewed."""

    def append(self, sample: float) -> None:
        """Adds a sample at the end. Raises `BufferError` while the samples are viewed, or are being sent."""

    @property
    def imported(self) -> bool:
        """Whether the samples are in the memory in which they arrived. Then arrays of them are read-only."""

    @property
    def views(self) -> int:
        """How many views of the samples are alive."""

    def __sizeof__(self) -> int:
        """The size of the object and its samples in bytes, by which Dask decides what to spill to disk."""

    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __release_buffer__(self, buffer: memoryview, /) -> None: ...
    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> Any: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: dict[int, Any], /) -> Self: ...
    @classmethod
    def __buffer_rebuild__(cls, version: int, fields: dict[str, Any], /) -> Self:
        """Makes an object of what a pickle says."""
