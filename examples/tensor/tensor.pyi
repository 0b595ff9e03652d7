from collections.abc import Sequence
from typing import Any, Literal, final

from typing_extensions import CapsuleType, Self

__all__ = ["Tensor"]

@final
class Tensor:
    """A tensor of any shape, in C order."""

    def __new__(
        cls,
        shape: Sequence[int],
        dtype: Literal["float32", "float64", "int32", "int64"] = "float32",
        aligned: bool = True,
    ) -> Self:
        """A tensor of zeros. If it is aligned, its memory begins at a multiple of 64 bytes, whatever its size is."""

    @property
    def shape(self) -> list[int]:
        """The extents, in items."""

    @property
    def dtype(self) -> str:
        """The name of the type of an item."""

    @property
    def tensors(self) -> int:
        """How many tensors of other libraries show the memory."""

    def fill(self, x: float) -> None:
        """Sets all items, even while other libraries use them."""

    def resize(self, shape: Sequence[int]) -> None:
        """Gives the tensor another shape. It keeps the first items in C order; those that are added are zero.

        Raises `BufferError` while a tensor or a view of the memory is alive; then nothing has changed.
        """

    def add(self, obj: Any) -> None:
        """Adds the items of a buffer or a tensor of the same shape and dtype, in place."""

    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __release_buffer__(self, buffer: memoryview, /) -> None: ...
    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> Any: ...
    def __dlpack__(
        self,
        *,
        stream: None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> CapsuleType:
        """A capsule with a tensor, for `torch.from_dlpack` and the like."""

    def __dlpack_device__(self) -> tuple[int, int]:
        """The CPU."""
