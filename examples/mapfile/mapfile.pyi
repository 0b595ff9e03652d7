from os import PathLike
from typing import Any, SupportsIndex

from typing_extensions import Self

__all__ = ["MapFile", "Header"]

class MapFile:
    """A file that is mapped into memory for reading and writing.

    As a buffer it is its bytes. As long as they are viewed, the file cannot be resized or closed; `view` gives views
    that end with their `with` block.

    Several `MapFile` may map one file. Within one process, none of them cuts off what another one maps. Whoever else
    makes the file shorter, be it another process or `os.truncate`, takes memory away. That is noticed by `view`,
    `resize` and headers, and by the first of all other views, and raises `OSError`. Nobody can notice it in time for a
    view that is alive: to touch the bytes that are gone is a fault (SIGBUS) that ends the process, as with every mapped
    file. So is a write that finds the disk full: in a hole that the file had before, or on systems that do not reserve
    room when a file grows; Linux does.
    """

    def __new__(cls, path: str | bytes | PathLike[str] | PathLike[bytes], length: SupportsIndex | None = None) -> Self:
        """Maps all of a file that exists; with a `length`, it grows to so many bytes first, by zeros.

        Raises `OSError` (`FileNotFoundError`, `IsADirectoryError`, `PermissionError`, or that the disk has no room, or
        that it is a device, a pipe or a socket) and `ValueError` for an empty file without a `length`, or a `length`
        that would cut the file. What is in the file then stays as it is.
        """

    def resize(self, length: SupportsIndex) -> None:
        """Makes the file and its mapping longer, by zeros, or shorter.

        Raises `BufferError` while any view is alive, and where another `MapFile` of this process maps what would be cut
        off, viewed or not. Raises `OSError` if the disk has no room, or if somebody else has made the file longer or
        shorter. Nothing has changed then.

        Other processes may append to the file at any time: to make it longer takes nothing from them, nor does a
        refusal. What they append while it is made shorter is cut off.
        """

    def view(self, offset: SupportsIndex = 0, length: SupportsIndex | None = None) -> ScopedView:
        """A memoryview of `length` bytes from `offset` on, or of all that follow, for one `with` block.

        Raises `ValueError` for bytes that are not there. They are looked for again when the block begins: what is
        entered after a `resize` shows the file as it is then.
        """

    def header(self, offset: SupportsIndex) -> Header:
        """The record at `offset`. Raises `ValueError` if it does not end inside the file, or the file is closed."""

    def flush(self) -> None:
        """Writes to the disk what is in memory. Views may be alive."""

    def close(self) -> None:
        """Ends the mapping, and closes the file. A second time does nothing.

        Raises `BufferError` while any view is alive.
        """

    @property
    def closed(self) -> bool: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: Any) -> None:
        """Closes the file."""

    def __len__(self) -> int:
        """How many bytes there are; 0 when it is closed."""

    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __release_buffer__(self, buffer: memoryview, /) -> None: ...
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Asked by numpy only where it got no view: raises what numpy keeps to itself."""

class Header:
    """What stands before a block of data: 16 bytes, little-endian, at any place in the file.

    Its attributes read and write the file at once, and keep no view of it. As a buffer it is one record, of which numpy
    makes an array without dimensions.
    """

    @property
    def offset(self) -> int: ...
    @property
    def magic(self) -> bytes:
        """Four of them."""

    @magic.setter
    def magic(self, magic: bytes) -> None: ...
    @property
    def step(self) -> int: ...
    @step.setter
    def step(self, step: int) -> None: ...
    @property
    def length(self) -> int: ...
    @length.setter
    def length(self, length: int) -> None: ...
    def view(self) -> ScopedView:
        """A memoryview of the record, for one `with` block."""

    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __release_buffer__(self, buffer: memoryview, /) -> None: ...
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Asked by numpy only where it got no view: raises what numpy keeps to itself."""

class ScopedView:
    """What `with` takes, and gives a memoryview for. Not to be found in the module."""

    def __enter__(self) -> memoryview: ...
    def __exit__(self, *exception: Any) -> None:
        """Releases the memoryview. Raises `BufferError` if something still holds the memory."""
