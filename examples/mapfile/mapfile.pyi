from os import PathLike
from typing import Any, SupportsIndex, final, type_check_only

from typing_extensions import Self

__all__ = ["MapFile", "Header"]

class MapFile:
    """A file that is mapped into memory for reading and writing.

    As a buffer, it exports the bytes of the file. While they are viewed, the file cannot be resized or closed. `view`
    makes views that are released at the end of their `with` block.

    Several `MapFile` objects may map one file. Within one process, none of them cuts off bytes that another one maps.
    If anything else makes the file shorter (another process, or `os.truncate`), mapped memory is lost. `view`, `resize`
    and headers detect this and raise `OSError`. So do all other views, unless a view is alive already. For a view that
    is alive, the loss cannot be detected in time: an access to the lost bytes is a fault (SIGBUS) that ends the
    process, as with every mapped file. A write for which the disk has no space is the same fault. This can happen in a
    hole that the file had before, or on systems that do not reserve space when a file grows. Linux does.
    """

    def __new__(cls, path: str | bytes | PathLike[str] | PathLike[bytes], length: SupportsIndex | None = None) -> Self:
        """Maps an existing file, all of it. With a `length`, the file first grows to that many bytes, by zeros.

        Raises `OSError` (`FileNotFoundError`, `IsADirectoryError`, `PermissionError`; no space on the disk; a path to a
        device, a pipe or a socket), and `ValueError` for an empty file without a `length`, or for a `length` that would
        cut the file. The content of the file is unchanged then.
        """

    def resize(self, length: SupportsIndex) -> None:
        """Makes the file and its mapping shorter, or longer by zeros.

        Raises `BufferError` while any view is alive, or if another `MapFile` of this process maps bytes that would be
        cut off, viewed or not. Raises `OSError` if the disk has no space, or if something else has made the file longer
        or shorter. Nothing has changed then.

        Other processes may append to the file at any time. Making it longer removes none of their bytes, and neither
        does a refusal, with one exception: if growing fails half-way and is undone, bytes that they append at that
        moment may be cut off. Bytes that they append while the file is made shorter are cut off.
        """

    def view(self, offset: SupportsIndex = 0, length: SupportsIndex | None = None) -> ScopedView:
        """A memoryview of `length` bytes from `offset` on, or of all bytes that follow, for one `with` block.

        Raises `ValueError` if the file does not have these bytes. This is checked again when the block begins: a block
        that begins after a `resize` shows the file as it is then.
        """

    def header(self, offset: SupportsIndex) -> Header:
        """The record at `offset`. Raises `ValueError` if it ends outside the file, or if the file is closed."""

    def flush(self) -> None:
        """Writes the memory to the disk. Views may be alive."""

    def close(self) -> None:
        """Unmaps and closes the file. A second call does nothing.

        Raises `BufferError` while any view is alive.
        """

    @property
    def closed(self) -> bool: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: Any) -> None:
        """Closes the file."""

    def __len__(self) -> int:
        """The number of mapped bytes. 0 after `close`."""

    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __release_buffer__(self, buffer: memoryview, /) -> None: ...
    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> Any:
        """numpy calls it only if a view was refused. It raises the exception that numpy itself hides."""

@final
class Header:
    """The header of a block of data: 16 bytes, little-endian, at any offset in the file.

    Its attributes read and write the file directly, and keep no view of it. As a buffer, it exports one record, which
    numpy shows as an array without dimensions.
    """

    @property
    def offset(self) -> int: ...
    @property
    def magic(self) -> bytes:
        """Four bytes."""

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
    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> Any:
        """numpy calls it only if a view was refused. It raises the exception that numpy itself hides."""

@final
@type_check_only
class ScopedView:
    """A context manager whose `with` block gets a memoryview. The module does not export this class."""

    def __enter__(self) -> memoryview: ...
    def __exit__(self, *exception: Any) -> None:
        """Releases the memoryview. Raises `BufferError` if something still holds the memory."""
