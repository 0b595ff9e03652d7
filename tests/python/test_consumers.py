"""The standard library as a consumer: it reads and writes Rust's memory, and releases its views."""

import array
import base64
import binascii
import codecs
import ctypes
import hashlib
import hmac
import io
import mmap
import os
import re
import socket
import sqlite3
import struct
import tempfile
import zlib
from multiprocessing import Pipe

import numpy as np
import pytest
from exporters import the_kind

FLOATS = np.arange(1, 7, dtype=np.float32)
CONTENT = FLOATS.tobytes()
OTHER = struct.pack("6f", 9, 8, 7, 6, 5, 4)


def c_ordered():
    return the_kind("vec", "c2", "f32").exporter(CONTENT, 2, 3)


def f_ordered():
    return the_kind("vec", "f2", "f32").exporter(CONTENT, 2, 3)


def read_only():
    return the_kind("vec", "readonly", "f32").exporter(CONTENT)


def of_bytes(content):
    return the_kind("vec", "natural", "u8").exporter(content)


# Consumers that read bytes. Each returns the bytes that it read.


def through_a_file(m):
    with tempfile.TemporaryFile() as file:
        assert file.write(m) == len(CONTENT)
        file.seek(0)
        return file.read()


def through_an_unbuffered_file(m):
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(m)
        file.seek(0)
        return file.read()


def through_a_socket(send):
    def consume(m):
        left, right = socket.socketpair()
        with left, right:
            send(left, m)
            return right.recv(100)

    return consume


def through_a_pipe(write):
    def consume(m):
        output, input = os.pipe()
        try:
            write(input, m)
            return os.read(output, 100)
        finally:
            os.close(output)
            os.close(input)

    return consume


def through_a_connection(m):
    receiver, sender = Pipe(duplex=False)
    with receiver, sender:
        sender.send_bytes(m)
        return receiver.recv_bytes()


def through_bytesio(m):
    file = io.BytesIO()
    file.write(m)
    return file.getvalue()


def through_a_buffered_writer(m):
    raw = io.BytesIO()
    with io.BufferedWriter(raw) as file:
        file.write(m)
        file.flush()
        return raw.getvalue()


def through_mmap(m):
    with mmap.mmap(-1, len(CONTENT)) as memory:
        memory[:] = m
        return memory.read()


def through_sqlite(m):
    connection = sqlite3.connect(":memory:")
    try:
        return connection.execute("select ?", (m,)).fetchone()[0]
    finally:
        connection.close()


def through_bytearray_slice(m):
    target = bytearray(len(CONTENT) + 2)
    target[1:-1] = m
    return bytes(target[1:-1])


def through_unpack_from(m):
    return struct.pack("6f", *struct.unpack_from("6f", m))


READERS = {
    "bytes.join": lambda m: b"".join([m]),
    "bytes +": lambda m: b"" + m,
    "bytearray +=": lambda m: bytes(bytearray().__iadd__(m)),
    "bytearray[:] =": through_bytearray_slice,
    "file.write": through_a_file,
    "unbuffered file.write": through_an_unbuffered_file,
    "BufferedWriter.write": through_a_buffered_writer,
    "BytesIO": lambda m: io.BytesIO(m).getvalue(),
    "BytesIO.write": through_bytesio,
    "socket.send": through_a_socket(lambda s, m: s.send(m)),
    "socket.sendall": through_a_socket(lambda s, m: s.sendall(m)),
    "socket.sendmsg": through_a_socket(lambda s, m: s.sendmsg([m])),
    "os.write": through_a_pipe(os.write),
    "Connection.send_bytes": through_a_connection,
    "mmap[:] =": through_mmap,
    "sqlite3": through_sqlite,
    "struct.unpack": lambda m: struct.pack("6f", *struct.unpack("6f", m)),
    "struct.unpack_from": through_unpack_from,
    "struct.iter_unpack": lambda m: b"".join(struct.pack("f", *item) for item in struct.iter_unpack("f", m)),
    "ctypes.from_buffer_copy": lambda m: bytes((ctypes.c_float * 6).from_buffer_copy(m)),
    "zlib.compress": lambda m: zlib.decompress(zlib.compress(m)),
    "base64": lambda m: base64.b64decode(base64.b64encode(m)),
    "binascii.hexlify": lambda m: binascii.unhexlify(binascii.hexlify(m)),
    "re.match": lambda m: re.compile(b"(.*)", re.DOTALL).match(m).group(1),
}
if hasattr(os, "writev"):
    READERS["os.writev"] = through_a_pipe(lambda fd, m: os.writev(fd, [m]))

DIGESTS = {
    "hashlib.sha256": lambda m: hashlib.sha256(m).digest(),
    "hashlib.blake2b": lambda m: hashlib.blake2b(m, key=m).digest(),
    "hmac": lambda m: hmac.new(b"key", m, "sha256").digest(),
    "zlib.crc32": zlib.crc32,
    "zlib.adler32": zlib.adler32,
    "binascii.crc32": binascii.crc32,
    "int.from_bytes": lambda m: int.from_bytes(m, "big"),
}


def each(consumers):
    return pytest.mark.parametrize("consume", [pytest.param(consumer, id=name) for name, consumer in consumers.items()])


@pytest.mark.parametrize("exporter", [c_ordered, read_only])
@each(READERS)
def test_a_consumer_of_bytes_reads_the_memory_and_releases_it(consume, exporter):
    m = exporter()
    assert consume(m) == CONTENT
    assert m.views() == 0


@pytest.mark.parametrize("exporter", [c_ordered, read_only])
@each(DIGESTS)
def test_a_digest_is_that_of_the_memory(consume, exporter):
    m = exporter()
    assert consume(m) == consume(CONTENT)
    assert m.views() == 0


# These copy the items into C order themselves (some only in some versions), and so accept F order too.
IN_ANY_ORDER = ("bytearray +=", "bytearray[:] =", "bytes +", "int.from_bytes", "Connection.send_bytes")
# These replace the BufferError by an error of their own (in some versions).
IN_OTHER_WORDS = ("bytes.join", "re.match", "sqlite3")


@pytest.mark.parametrize("name", [name for name in {**READERS, **DIGESTS} if name not in IN_ANY_ORDER])
def test_a_consumer_of_bytes_is_refused_f_order(name):
    m = f_ordered()
    with pytest.raises((BufferError, TypeError, ValueError) if name in IN_OTHER_WORDS else BufferError):
        {**READERS, **DIGESTS}[name](m)
    assert m.views() == 0


# Consumers that write bytes. Each must store OTHER.


def from_a_file(m):
    with tempfile.TemporaryFile() as file:
        file.write(OTHER)
        file.seek(0)
        assert file.readinto(m) == len(OTHER)


def from_an_unbuffered_file(m):
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(OTHER)
        file.seek(0)
        assert file.readinto(m) == len(OTHER)


def from_a_socket(receive):
    def consume(m):
        left, right = socket.socketpair()
        with left, right:
            left.send(OTHER)
            receive(right, m)

    return consume


def from_a_pipe(read):
    def consume(m):
        output, input = os.pipe()
        try:
            os.write(input, OTHER)
            read(output, m)
        finally:
            os.close(output)
            os.close(input)

    return consume


def through_ctypes(m):
    floats = (ctypes.c_float * 6).from_buffer(m)
    floats[:] = struct.unpack("6f", OTHER)


WRITERS = {
    "file.readinto": from_a_file,
    "unbuffered file.readinto": from_an_unbuffered_file,
    "BytesIO.readinto": lambda m: io.BytesIO(OTHER).readinto(m),
    "BufferedReader.readinto": lambda m: io.BufferedReader(io.BytesIO(OTHER)).readinto(m),
    "socket.recv_into": from_a_socket(lambda s, m: s.recv_into(m)),
    "socket.recvmsg_into": from_a_socket(lambda s, m: s.recvmsg_into([m])),
    "struct.pack_into": lambda m: struct.pack_into("6f", m, 0, *struct.unpack("6f", OTHER)),
    "ctypes.from_buffer": through_ctypes,
}
if hasattr(os, "readv"):
    WRITERS["os.readv"] = from_a_pipe(lambda fd, m: os.readv(fd, [m]))


@each(WRITERS)
def test_a_consumer_of_writable_bytes_writes_the_memory_and_releases_it(consume):
    m = c_ordered()
    consume(m)
    assert bytes(m) == OTHER
    assert m.views() == 0


@pytest.mark.parametrize("exporter", [read_only, f_ordered])
@each(WRITERS)
def test_a_consumer_of_writable_bytes_is_refused_what_it_may_not_write(consume, exporter):
    m = exporter()
    with pytest.raises((TypeError, BufferError)):
        consume(m)
    assert bytes(memoryview(m).tobytes(order="A")) == CONTENT
    assert m.views() == 0


def test_readinto_and_from_buffer_refuse_a_read_only_buffer_with_a_type_error():
    m = read_only()
    with pytest.raises(TypeError, match="read-write"):
        io.BytesIO(OTHER).readinto(m)
    with pytest.raises(TypeError, match="not writable"):
        ctypes.c_float.from_buffer(m)
    assert bytes(m) == CONTENT


# The builtins.


@pytest.mark.parametrize("copy", [bytes, bytearray])
def test_a_copy_has_the_items_in_logical_order(copy):
    m = c_ordered()
    assert copy(m) == CONTENT
    assert copy(f_ordered()) == FLOATS.reshape(2, 3, order="F").tobytes()
    assert m.views() == 0
    twin = bytearray(m)
    twin[0] ^= 0xFF
    assert bytes(m) == CONTENT


def test_an_array_takes_bytes_alone():
    m = of_bytes(CONTENT)
    target = array.array("f")
    target.frombytes(m)
    assert target.tobytes() == CONTENT
    # `array` itself refuses items that are larger than a byte.
    with pytest.raises(TypeError, match="bytes-like"):
        target.frombytes(c_ordered())
    assert m.views() == 0


def test_text_is_decoded_from_the_memory():
    m = of_bytes("größer".encode())
    assert str(m, "utf-8") == "größer"
    assert codecs.decode(m, "utf-8") == "größer"
    assert m.views() == 0
