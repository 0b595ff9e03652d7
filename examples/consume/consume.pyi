from types import TracebackType
from typing import SupportsFloat, final

from typing_extensions import Buffer, Self

__all__ = ["Held", "checksum", "dot", "hold", "scale", "sum_array"]

def sum_array(obj: Buffer, /) -> int:
    """The sum of the int32 items of a buffer. It never overflows."""

def dot(a: Buffer, b: Buffer, /) -> float:
    """The dot product of two buffers of float64, both of one dimension and the same length."""

def scale(obj: Buffer, factor: SupportsFloat, /) -> None:
    """Multiplies every item of a writable buffer of float64 in place."""

def checksum(obj: Buffer, /, *, copy: bool = True) -> int:
    """The CRC-32 of the bytes of a buffer, as `zlib.crc32` computes it, while other threads run.

    They cannot change the bytes meanwhile. If an object cannot promise that, as a numpy array cannot, the bytes are
    copied first; or the object is refused, if `copy` is false.
    """

def hold(obj: Buffer, /) -> Held:
    """Holds a buffer: nobody changes its bytes until `release` is called.

    Raises `BufferError` if the object cannot promise that.
    """

@final
class Held:
    """Keeps the bytes of a buffer from being changed until `release` is called. A `with` block calls it at its end."""

    def release(self) -> None:
        """Lets the buffer be changed again. A second call does nothing."""

    def checksum(self) -> int:
        """The CRC-32 of the bytes."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...
