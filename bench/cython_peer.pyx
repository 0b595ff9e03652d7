# distutils: language = c++
# cython: language_level = 3
"""The matrix of Cython's user guide ("Implementing the buffer protocol"), with the guide's count of views.

Like the guide's class, it fills every field of the view, whatever the request asks for.
"""

from cpython cimport Py_buffer
from libcpp.vector cimport vector


cdef class Matrix:
    cdef Py_ssize_t ncols
    cdef Py_ssize_t[2] shape
    cdef Py_ssize_t[2] strides
    cdef vector[float] v
    cdef int view_count

    def __cinit__(self, Py_ssize_t ncols, Py_ssize_t nrows=0):
        self.ncols = ncols
        self.v.resize(ncols * nrows)
        self.view_count = 0

    def add_row(self):
        """Appends a row of zeros."""
        if self.view_count > 0:
            raise ValueError("can't add row while being viewed")
        self.v.resize(self.v.size() + self.ncols)

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        cdef Py_ssize_t itemsize = sizeof(self.v[0])

        self.shape[0] = self.v.size() // self.ncols
        self.shape[1] = self.ncols
        self.strides[1] = <Py_ssize_t>(<char *>&(self.v[1]) - <char *>&(self.v[0]))
        self.strides[0] = self.ncols * self.strides[1]

        buffer.buf = <char *>&(self.v[0])
        buffer.format = 'f'
        buffer.internal = NULL
        buffer.itemsize = itemsize
        buffer.len = self.v.size() * itemsize
        buffer.ndim = 2
        buffer.obj = self
        buffer.readonly = 0
        buffer.shape = self.shape
        buffer.strides = self.strides
        buffer.suboffsets = NULL

        self.view_count += 1

    def __releasebuffer__(self, Py_buffer *buffer):
        self.view_count -= 1
