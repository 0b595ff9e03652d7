from typing import SupportsFloat

from typing_extensions import Buffer

__all__ = ["dot", "scale", "sum_array"]

def sum_array(obj: Buffer, /) -> int:
    """The sum of the int32 items of a buffer. It never overflows."""

def dot(a: Buffer, b: Buffer, /) -> float:
    """The dot product of two buffers of float64, both of one dimension and the same length."""

def scale(obj: Buffer, factor: SupportsFloat, /) -> None:
    """Multiplies every item of a writable buffer of float64 in place."""
