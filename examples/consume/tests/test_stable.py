"""Checksums of bytes that nobody changes, or of copies. Other classes that can be held are in packages of their own."""

import array
import zlib

import numpy as np
import pytest
from consume import checksum, hold


def test_what_cannot_be_held_is_copied_unless_that_is_forbidden():
    a = np.arange(6.0).reshape(2, 3)
    for other in (a, a.T, a[:, ::-1], array.array("i", [1, 2]), bytearray(b"bytes"), memoryview(bytearray(3))):
        assert checksum(other) == zlib.crc32(memoryview(other).tobytes())
        with pytest.raises(BufferError, match="StableOrCopy|not C-contiguous"):
            checksum(other, copy=False)
    for immutable in (b"bytes", memoryview(b"bytes"), memoryview(b"bytes")[1:3]):
        assert checksum(immutable, copy=False) == zlib.crc32(immutable)
    for other in ([1, 2], None, "text"):
        with pytest.raises(TypeError):
            checksum(other)


def test_bytes_are_held_though_nobody_could_change_them():
    with hold(b"bytes") as held:
        assert held.checksum() == zlib.crc32(b"bytes")
    with pytest.raises(ValueError, match="was released"):
        held.checksum()
    with pytest.raises(BufferError, match="which this 'bytearray' cannot promise"):
        hold(bytearray(b"bytes"))
