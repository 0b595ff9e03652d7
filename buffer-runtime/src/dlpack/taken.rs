//! Tensors of other producers, for views of objects that export no buffer.
//!
//! A tensor is taken as the protocol says: the capsule is renamed, and the tensor's deleter is called once. The claims
//! of the tensor are turned into the fields of a `Py_buffer`, which are then checked like those of any exporter.

use std::ffi::{CStr, c_int};
use std::ptr::{self, NonNull};
use std::slice;

use pyo3::exceptions::{PyBufferError, PyMemoryError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{PyErr, ffi};

use super::abi::{DataType, Device, Legacy, Managed, Tensor, Version, Versioned};
use super::request::pair;
use crate::exception::{ClassName, exception};
use crate::limits::MAX_NDIM;
use crate::lookup::optional;
use crate::memory::collect;
use crate::pending::owned;

/// A tensor that was taken, and its claims in the form of the buffer protocol. Its drop, on an attached thread, calls
/// the deleter once.
///
/// Invariants:
///
/// 1. The tensor was taken from its capsule, and nobody else calls its deleter. So it lives until the drop.
pub(crate) struct Taken {
    managed: Kind,
    format: &'static CStr,
    itemsize: isize,
    shape: Vec<isize>,
    /// In bytes; `None` in C order.
    strides: Option<Vec<isize>>,
}

#[derive(Clone, Copy)]
enum Kind {
    Legacy(NonNull<Legacy>),
    Versioned(NonNull<Versioned>),
}

/// Why a tensor is refused: it claims what is impossible, or what this crate does not read.
enum Wrong {
    Version(Version),
    Device(Device),
    DataType(DataType),
    Ndim(i32),
    NoShape,
    TooLarge,
    ReadOnly,
    /// A tensor of an old version of DLPack, which has no flags.
    Unflagged,
    NoMemory,
}

impl Taken {
    /// Takes a tensor from an object; `None` if the object makes none.
    ///
    /// # Errors
    ///
    /// Whatever the object raises; `BufferError` if the tensor is on another device, may not be written, or claims what
    /// is impossible; `MemoryError`.
    pub(crate) fn of(object: &Bound<'_, PyAny>, writable: bool) -> PyResult<Option<Self>> {
        let py = object.py();
        let Some(dlpack) = optional(object, c"__dlpack__")? else { return Ok(None) };
        let Some(on) = optional(object, c"__dlpack_device__")? else { return Ok(None) };
        // SAFETY: attached, with a callable that is alive.
        let device = unsafe { ffi::PyObject_CallNoArgs(on.as_ptr()) };
        // SAFETY: the result is an owned reference, or NULL.
        let device = unsafe { owned(py, device) }?;
        let [kind, id] = pair(&device, "device")?;
        let device = Device { kind, id };
        if device != Device::CPU {
            return Err(Wrong::Device(device).into_error(object));
        }
        let capsule = call(&dlpack)?;
        let Some(managed) = Kind::take(&capsule) else {
            let class = ClassName::of(object)?;
            let text = format_args!("the __dlpack__ of this '{class}' returned no new tensor; this is a bug in it");
            return Err(exception::<PyBufferError>(py, text));
        };
        // From here on the drop of `taken` calls the deleter, also after an error.
        let mut taken = Self::unread(managed);
        taken.read(writable).map_err(|wrong| wrong.into_error(object))?;
        Ok(Some(taken))
    }

    fn unread(managed: Kind) -> Self {
        Self { managed, format: c"B", itemsize: 1, shape: Vec::new(), strides: None }
    }

    /// Takes a tensor without an interpreter; `None` if it claims what is impossible.
    ///
    /// # Safety
    ///
    /// The tensor was not taken before.
    #[cfg(fuzzing)]
    pub(super) unsafe fn of_versioned(managed: NonNull<Versioned>, writable: bool) -> Option<Self> {
        let mut taken = Self::unread(Kind::Versioned(managed));
        taken.read(writable).is_ok().then_some(taken)
    }

    /// Reads what the tensor claims.
    fn read(&mut self, writable: bool) -> Result<(), Wrong> {
        if let Kind::Versioned(managed) = self.managed {
            // The version is the first field in every version. The other fields may differ between major versions.
            // SAFETY: invariant 1.
            let version = unsafe { (*managed.as_ptr()).version };
            if version.major != 1 {
                return Err(Wrong::Version(version));
            }
        }
        // A tensor without flags counts as read-only, because its memory may be.
        if writable && self.readonly() {
            return Err(match self.managed {
                Kind::Legacy(_) => Wrong::Unflagged,
                Kind::Versioned(_) => Wrong::ReadOnly,
            });
        }
        let &Tensor { device, ndim, dtype, shape, strides, .. } = self.tensor();
        if device != Device::CPU {
            return Err(Wrong::Device(device));
        }
        (self.format, self.itemsize) = format_of(dtype).ok_or(Wrong::DataType(dtype))?;
        let ndim = usize::try_from(ndim).ok().filter(|&ndim| ndim <= MAX_NDIM).ok_or(Wrong::Ndim(ndim))?;
        if ndim == 0 {
            return Ok(());
        }
        if shape.is_null() {
            return Err(Wrong::NoShape);
        }
        // SAFETY: the tensor has an extent for each dimension (invariant 1); the pointer is not NULL.
        self.shape = numbers(unsafe { slice::from_raw_parts(shape, ndim) }, 1)?;
        if !strides.is_null() {
            // SAFETY: as above, for the strides.
            self.strides = Some(numbers(unsafe { slice::from_raw_parts(strides, ndim) }, self.itemsize)?);
        }
        Ok(())
    }

    fn tensor(&self) -> &Tensor {
        match self.managed {
            // SAFETY: invariant 1.
            Kind::Legacy(managed) => unsafe { &(*managed.as_ptr()).tensor },
            // SAFETY: invariant 1.
            Kind::Versioned(managed) => unsafe { &(*managed.as_ptr()).tensor },
        }
    }

    fn readonly(&self) -> bool {
        match self.managed {
            Kind::Legacy(_) => true,
            // SAFETY: invariant 1.
            Kind::Versioned(managed) => (unsafe { (*managed.as_ptr()).flags }) & Versioned::READ_ONLY != 0,
        }
    }

    /// The claims as the fields of a view. `obj` is the object of the tensor, which must not be released as a buffer.
    ///
    /// The fields point into this value, which must not change while they are used.
    pub(crate) fn describe(&mut self, object: &Bound<'_, PyAny>) -> ffi::Py_buffer {
        ffi::Py_buffer { obj: object.as_ptr(), ..self.fields() }
    }

    /// The same without an object.
    pub(super) fn fields(&mut self) -> ffi::Py_buffer {
        let &Tensor { data, byte_offset, .. } = self.tensor();
        let bytes = self.shape.iter().try_fold(self.itemsize, |bytes, &extent| bytes.checked_mul(extent));
        let bytes = if self.shape.contains(&0) { Some(0) } else { bytes };
        let offset = usize::try_from(byte_offset).unwrap_or(usize::MAX);
        // An address beyond the end of memory counts as NULL.
        let first = data.addr().checked_add(offset).filter(|_| !data.is_null());
        ffi::Py_buffer {
            buf: first.map_or(ptr::null_mut(), |_| data.wrapping_byte_add(offset)),
            // If the product overflows, no length is right, and -1 fails the checks.
            len: bytes.unwrap_or(-1),
            itemsize: self.itemsize,
            readonly: c_int::from(self.readonly()),
            ndim: c_int::try_from(self.shape.len()).unwrap_or(-1),
            format: self.format.as_ptr().cast_mut(),
            shape: if self.shape.is_empty() { ptr::null_mut() } else { self.shape.as_mut_ptr() },
            strides: self.strides.as_mut().map_or(ptr::null_mut(), Vec::as_mut_ptr),
            ..ffi::Py_buffer::new()
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        match self.managed {
            // SAFETY: invariant 1; the deleter was written by the producer.
            Kind::Legacy(managed) => unsafe { Legacy::end(managed) },
            // SAFETY: as above.
            Kind::Versioned(managed) => unsafe { Versioned::end(managed) },
        }
    }
}

impl Kind {
    /// Takes the tensor from a capsule whose name says that no consumer has taken it yet.
    fn take(capsule: &Bound<'_, PyAny>) -> Option<Self> {
        take::<Versioned>(capsule).map(Self::Versioned).or_else(|| take::<Legacy>(capsule).map(Self::Legacy))
    }
}

fn take<M: Managed>(capsule: &Bound<'_, PyAny>) -> Option<NonNull<M>> {
    // SAFETY: attached, with an object that is alive; the function raises nothing.
    if unsafe { ffi::PyCapsule_IsValid(capsule.as_ptr(), M::NAME.as_ptr()) } == 0 {
        return None;
    }
    // SAFETY: as above, and the capsule has this name.
    let managed = unsafe { ffi::PyCapsule_GetPointer(capsule.as_ptr(), M::NAME.as_ptr()) };
    // SAFETY: as above; the name is static. It is renamed at once, so that nobody else takes the tensor.
    unsafe { ffi::PyCapsule_SetName(capsule.as_ptr(), M::USED.as_ptr()) };
    NonNull::new(managed.cast())
}

/// Calls a `__dlpack__` for a tensor with a version, or for one without if the method accepts no version.
fn call<'py>(dlpack: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = dlpack.py();
    let Version { major, minor } = Version::NEWEST;
    // SAFETY: attached; the format takes a text and two integers.
    let options = unsafe { ffi::Py_BuildValue(c"{s(II)}".as_ptr(), c"max_version".as_ptr(), major, minor) };
    // SAFETY: the result is an owned reference, or NULL.
    let options = unsafe { owned(py, options) }?;
    let none = PyTuple::empty(py);
    // SAFETY: attached, with a callable, a tuple and a dict that are alive.
    let capsule = unsafe { ffi::PyObject_Call(dlpack.as_ptr(), none.as_ptr(), options.as_ptr()) };
    // SAFETY: as for the options.
    match unsafe { owned(py, capsule) } {
        Err(error) if error.is_instance_of::<PyTypeError>(py) => {
            // SAFETY: attached, with a callable that is alive.
            let capsule = unsafe { ffi::PyObject_CallNoArgs(dlpack.as_ptr()) };
            // SAFETY: as above.
            unsafe { owned(py, capsule) }
        }
        result => result,
    }
}

/// Multiplies numbers by a factor.
fn numbers(numbers: &[i64], factor: isize) -> Result<Vec<isize>, Wrong> {
    let mut fits = true;
    let each = numbers.iter().map(|&number| {
        let number = isize::try_from(number).ok().and_then(|number| number.checked_mul(factor));
        fits &= number.is_some();
        number.unwrap_or(0)
    });
    let all = collect(each).map_err(|_| Wrong::NoMemory)?;
    if fits { Ok(all) } else { Err(Wrong::TooLarge) }
}

/// The format and the size of items of a type.
fn format_of(dtype: DataType) -> Option<(&'static CStr, isize)> {
    let DataType { code, bits, lanes } = dtype;
    if lanes != 1 {
        return None;
    }
    let format = match (code, bits) {
        (DataType::BOOL, 8) => c"?",
        (DataType::INT, 8) => c"b",
        (DataType::INT, 16) => c"=h",
        (DataType::INT, 32) => c"=i",
        (DataType::INT, 64) => c"=q",
        (DataType::UINT, 8) => c"B",
        (DataType::UINT, 16) => c"=H",
        (DataType::UINT, 32) => c"=I",
        (DataType::UINT, 64) => c"=Q",
        (DataType::FLOAT, 16) => c"e",
        (DataType::FLOAT, 32) => c"f",
        (DataType::FLOAT, 64) => c"d",
        (DataType::BFLOAT, 16) => c"T{=H:bfloat16:}",
        (DataType::COMPLEX, 64) => c"Zf",
        (DataType::COMPLEX, 128) => c"Zd",
        _ => return None,
    };
    Some((format, isize::from(bits) / 8))
}

impl Wrong {
    fn into_error(self, object: &Bound<'_, PyAny>) -> PyErr {
        let py = object.py();
        let class = match ClassName::of(object) {
            Ok(class) => class,
            Err(error) => return error,
        };
        let refused = |text: std::fmt::Arguments<'_>| {
            exception::<PyBufferError>(py, format_args!("the tensor of this '{class}' {text}"))
        };
        let bug = "; this is a bug in its producer";
        match self {
            Self::NoMemory => exception::<PyMemoryError>(py, "there is no memory to view this tensor"),
            Self::Version(Version { major, minor }) => refused(format_args!(
                "has the version {major}.{minor} of DLPack; only those that begin with 1 are read"
            )),
            Self::Device(Device { kind, id }) => refused(format_args!(
                "is on the device ({kind}, {id}), not on the CPU; bring it over, as in x.cpu() for torch, jax.device_get(x) \
                 or cupy.asnumpy(x)"
            )),
            Self::DataType(DataType { code, bits, lanes }) => refused(format_args!(
                "has items of the type (code {code}, {bits} bits, {lanes} lanes), which no buffer has; convert it first"
            )),
            Self::ReadOnly => refused(format_args!("is read-only; pass an array or a tensor that may be written")),
            Self::Unflagged => refused(format_args!(
                "does not say whether it may be written: its producer does not know DLPack 1.0; use a newer version of the \
                 producer, or pass a numpy array of the same memory, as in x.numpy()"
            )),
            Self::Ndim(ndim) => refused(format_args!("has {ndim} dimensions, and a buffer has 0 to 64{bug}")),
            Self::NoShape => refused(format_args!("has no shape{bug}")),
            Self::TooLarge => refused(format_args!("extends over more bytes than memory can have{bug}")),
        }
    }
}
