from typing import Any, final

from typing_extensions import Self

__all__ = ["Image"]

@final
class _Pixels:
    """A part of an image as a buffer. It holds the image, and locks nothing until it is viewed."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def strides(self) -> tuple[int, ...]: ...
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
    def obj(self) -> Image: ...
    @property
    def views(self) -> int:
        """How many views of the image are alive."""

    def view(self) -> Any:
        """A view for one `with` block."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: tuple[int, ...]) -> int: ...
    def __setitem__(self, index: tuple[int, ...], value: int) -> None: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __release_buffer__(self, buffer: memoryview, /) -> None: ...
    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> Any: ...

class Image:
    """An image of red, green and blue bytes, exported as an array of shape `(height, width, 3)`."""

    def __new__(cls, height: int, width: int) -> Self:
        """A black image."""

    def crop(self, y: int, x: int, height: int, width: int) -> _Pixels:
        """The pixels from `(y, x)` on, as an array of shape `(height, width, 3)`, without a copy."""

    def channel(self, index: int) -> _Pixels:
        """The red (0), green (1) or blue (2) bytes, as an array of shape `(height, width)`, without a copy."""

    def fill(self, red: int, green: int, blue: int) -> None:
        """Gives all pixels one colour. Views may be alive; they show the colour."""

    def resize(self, height: int, width: int) -> None:
        """Cuts the image, or extends it by black pixels at the right and at the bottom.

        Raises `BufferError` while the image, a crop or a channel is viewed.
        """

    @property
    def height(self) -> int: ...
    @property
    def width(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview:
        """A view of shape `(height, width, 3)` and format `"B"`, as `memoryview` and numpy request it."""

    def __release_buffer__(self, buffer: memoryview, /) -> None: ...
    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> Any:
        """numpy calls it only if a view was refused. It raises the `BufferError` that numpy itself hides."""
