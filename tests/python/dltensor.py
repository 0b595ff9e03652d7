"""A hand-written consumer of DLPack, which reads every field of a tensor, and lets a test choose the thread and the
moment at which the tensor ends. No library does that."""

import ctypes

VERSIONED, LEGACY = b"dltensor_versioned", b"dltensor"
READ_ONLY, IS_COPIED = 1, 2
INT, UINT, FLOAT, BFLOAT, COMPLEX, BOOL = 0, 1, 2, 4, 5, 6


class Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_kind", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


# Called without the GIL, as from a thread of C++.
DELETER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Legacy(ctypes.Structure):
    _fields_ = [("tensor", Tensor), ("manager_ctx", ctypes.c_void_p), ("deleter", DELETER)]


class Versioned(ctypes.Structure):
    _fields_ = [
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("manager_ctx", ctypes.c_void_p),
        ("deleter", DELETER),
        ("flags", ctypes.c_uint64),
        ("tensor", Tensor),
    ]


api = ctypes.pythonapi
api.PyCapsule_GetName.restype = ctypes.c_char_p
api.PyCapsule_GetName.argtypes = [ctypes.py_object]
api.PyCapsule_GetPointer.restype = ctypes.c_void_p
api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
api.PyCapsule_SetName.argtypes = [ctypes.py_object, ctypes.c_char_p]


class Taken:
    """Takes the tensor out of a capsule, and renames the capsule, as a consumer must."""

    def __init__(self, capsule):
        self.name = api.PyCapsule_GetName(capsule)
        address = api.PyCapsule_GetPointer(capsule, self.name)
        # CPython keeps the pointer: these names are never freed.
        self.used = USED[self.name]
        api.PyCapsule_SetName(capsule, self.used)
        kind = Versioned if self.name == VERSIONED else Legacy
        self.managed = kind.from_address(address)
        self.address = address

    @property
    def tensor(self):
        return self.managed.tensor

    @property
    def shape(self):
        return tuple(self.tensor.shape[: self.tensor.ndim]) if self.tensor.ndim else ()

    @property
    def strides(self):
        return tuple(self.tensor.strides[: self.tensor.ndim]) if self.tensor.ndim else ()

    @property
    def dtype(self):
        return self.tensor.code, self.tensor.bits, self.tensor.lanes

    def delete(self):
        self.managed.deleter(self.address)


USED = {VERSIONED: b"used_dltensor_versioned", LEGACY: b"used_dltensor"}


def versioned(thing, **options):
    return Taken(thing.__dlpack__(max_version=(1, 0), **options))
