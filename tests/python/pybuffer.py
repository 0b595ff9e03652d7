"""Makes requests as a consumer in C does, and reads every field of the `Py_buffer` as it is in memory."""

import ctypes
from ctypes import byref, c_char, c_int, c_ssize_t, c_void_p
from typing import NamedTuple, Optional

SIMPLE = 0
WRITABLE = 0x1
FORMAT = 0x4
ND = 0x8
STRIDES = 0x10 | ND
C_CONTIGUOUS = 0x20 | STRIDES
F_CONTIGUOUS = 0x40 | STRIDES
ANY_CONTIGUOUS = 0x80 | STRIDES
INDIRECT = 0x100 | STRIDES
CONTIG_RO = ND
CONTIG = ND | WRITABLE
STRIDED_RO = STRIDES
STRIDED = STRIDES | WRITABLE
RECORDS_RO = STRIDES | FORMAT
RECORDS = RECORDS_RO | WRITABLE
FULL_RO = INDIRECT | FORMAT
FULL = FULL_RO | WRITABLE
STABLE = 0x400

# These are not flags of a request, but arguments of PyMemoryView_FromMemory.
READ = 0x100
WRITE = 0x200


class PyBuffer(ctypes.Structure):
    """`Py_buffer`, with pointers as plain addresses: no field owns a reference."""

    _fields_ = [
        ("buf", c_void_p),
        ("obj", c_void_p),
        ("len", c_ssize_t),
        ("itemsize", c_ssize_t),
        ("readonly", c_int),
        ("ndim", c_int),
        ("format", c_void_p),
        ("shape", c_void_p),
        ("strides", c_void_p),
        ("suboffsets", c_void_p),
        ("internal", c_void_p),
    ]


class Answer(NamedTuple):
    """The fields of a granted view. None means NULL."""

    ndim: int
    itemsize: int
    len: int
    readonly: int
    format: Optional[bytes]
    shape: Optional[tuple]
    strides: Optional[tuple]
    suboffsets: Optional[tuple]
    content: Optional[bytes]  # None unless the memory is contiguous.
    buf: int

    def described(self):
        """The answer without the address of the memory."""
        return self._replace(buf=0)


get_buffer = ctypes.pythonapi.PyObject_GetBuffer
get_buffer.argtypes = [ctypes.py_object, c_void_p, c_int]
get_buffer.restype = c_int

release_buffer = ctypes.pythonapi.PyBuffer_Release
release_buffer.argtypes = [c_void_p]
release_buffer.restype = None

is_contiguous = ctypes.pythonapi.PyBuffer_IsContiguous
is_contiguous.argtypes = [c_void_p, c_char]
is_contiguous.restype = c_int

fill_contiguous_strides = ctypes.pythonapi.PyBuffer_FillContiguousStrides
fill_contiguous_strides.argtypes = [c_int, c_void_p, c_void_p, c_int, c_char]
fill_contiguous_strides.restype = None

memoryview_from_buffer = ctypes.pythonapi.PyMemoryView_FromBuffer
memoryview_from_buffer.argtypes = [c_void_p]
memoryview_from_buffer.restype = ctypes.py_object

# Arbitrary bytes: a Py_buffer may be uninitialised before it is filled.
_LEFTOVERS = b"\x55" * ctypes.sizeof(PyBuffer)


class View:
    """A granted view, held until `release`. A refused request raises BufferError, as for any consumer."""

    def __init__(self, exporter, flags):
        self._buffer = PyBuffer.from_buffer_copy(_LEFTOVERS)
        self._buffer.obj = id(exporter)
        try:
            get_buffer(exporter, byref(self._buffer), flags)
        except BufferError as refusal:
            assert self._buffer.obj is None, f"a refused view refers to an object: {refusal}"
            raise
        assert self._buffer.obj == id(exporter)

    def answer(self):
        view = self._buffer
        return Answer(
            view.ndim,
            view.itemsize,
            view.len,
            view.readonly,
            None if view.format is None else ctypes.string_at(view.format),
            _array(view.shape, view.ndim),
            _array(view.strides, view.ndim),
            _array(view.suboffsets, view.ndim),
            ctypes.string_at(view.buf, view.len) if is_contiguous(byref(view), b"A") else None,
            view.buf,
        )

    def release(self):
        release_buffer(byref(self._buffer))
        assert self._buffer.obj is None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.release()


def ask(exporter, flags):
    """The answer to a request, or None if it is refused. The view is released at once."""
    try:
        view = View(exporter, flags)
    except BufferError:
        return None
    with view:
        return view.answer()


class MemoryviewByHand:
    """A memoryview of memory that no object exports, for shapes and orders that `memoryview.cast` cannot make."""

    def __init__(self, content, format, itemsize, shape, order, readonly):
        self._memory = ctypes.create_string_buffer(content, max(len(content), 1))
        self._format = ctypes.create_string_buffer(format.encode())
        self._shape = (c_ssize_t * len(shape))(*shape)
        self._strides = (c_ssize_t * len(shape))()
        fill_contiguous_strides(len(shape), self._shape, self._strides, itemsize, order.encode())
        view = PyBuffer(
            buf=ctypes.addressof(self._memory),
            len=len(content),
            itemsize=itemsize,
            readonly=readonly,
            ndim=len(shape),
            format=ctypes.addressof(self._format),
            shape=ctypes.addressof(self._shape),
            strides=ctypes.addressof(self._strides),
        )
        self._view = memoryview_from_buffer(byref(view))

    def __enter__(self):
        return self._view

    def __exit__(self, *exception):
        # Before the memory is freed.
        self._view.release()


def _array(address, length):
    return None if address is None else tuple((c_ssize_t * length).from_address(address))
