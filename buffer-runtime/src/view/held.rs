//! A granted `Py_buffer` that is released when dropped: the only place where a consumer's view begins and ends.

use std::ffi::{CStr, c_int};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::{PyErr, ffi};

use super::advice::unbuffered;
use super::reported::{Arrays, Reported};
use super::wanted::Wanted;
use crate::contain::{report_raised, with_none_pending};
#[cfg(feature = "dlpack")]
use crate::dlpack::Taken;
use crate::exception::{ClassName, exception};
use crate::limits::MAX_NDIM;
use crate::pending::raised;
use crate::stable::{Declared, release_stable};
use crate::view::fixed::Fixed;

/// Whether the object's class has the buffer protocol.
pub(super) fn exports_buffer(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: attached, as the object proves, and the object is alive.
    unsafe { ffi::PyObject_CheckBuffer(object.as_ptr()) != 0 }
}

/// A granted view, released when dropped.
///
/// 1. The exporter has granted the view and it was not released, or the tensor that the `Py_buffer` describes is held.
///    So all that its fields point to stays in place, if the exporter follows the protocol.
/// 2. The `Py_buffer` does not move, and no `&mut` to it is made: its pointers may point into itself.
pub(super) struct Held<'py> {
    buffer: Fixed<ffi::Py_buffer>,
    /// The tensor that the `Py_buffer` describes, if the object exports no buffer itself.
    #[cfg(feature = "dlpack")]
    tensor: Option<Taken>,
    py: Python<'py>,
    /// The function that releases a stable view; `None` for an ordinary view.
    release: Option<ffi::releasebufferproc>,
}

impl<'py> Held<'py> {
    /// Requests a view.
    ///
    /// # Errors
    ///
    /// `TypeError` if the object exports no buffer; whatever the exporter raises; `MemoryError`.
    pub(super) fn request(object: &Bound<'py, PyAny>, flags: c_int, wanted: Wanted) -> PyResult<Self> {
        let py = object.py();
        if !exports_buffer(object) {
            #[cfg(feature = "dlpack")]
            if let Some(held) = Self::take_tensor(object, flags)? {
                return Ok(held);
            }
            return Err(exception::<PyTypeError>(py, unbuffered(object).message(wanted, ClassName::of(object)?)));
        }
        let buffer = Fixed::new(py, ffi::Py_buffer::new())?;
        // SAFETY: attached, with an object that is alive and room for a view.
        if unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), buffer.as_ptr(), flags) } != 0 {
            return Err(raised(py));
        }
        let held = Self::new(py, buffer, None);
        if PyErr::occurred(py) {
            // The exporter granted the view and also set an exception. If the view were used, that exception would
            // appear later, in unrelated code.
            return Err(raised(py));
        }
        Ok(held)
    }

    /// Takes a tensor, and describes it as a view. `None` if the object makes none.
    ///
    /// # Errors
    ///
    /// As for [`Taken::of`].
    #[cfg(feature = "dlpack")]
    pub(super) fn take_tensor(object: &Bound<'py, PyAny>, flags: c_int) -> PyResult<Option<Self>> {
        let py = object.py();
        let Some(mut tensor) = Taken::of(object, flags & ffi::PyBUF_WRITABLE != 0)? else { return Ok(None) };
        let described = tensor.describe(object);
        Ok(Some(Self { buffer: Fixed::new(py, described)?, tensor: Some(tensor), py, release: None }))
    }

    /// Requests a stable view.
    ///
    /// # Errors
    ///
    /// Whatever the exporter raises; `BufferError` if it grants a view that breaks the declaration; `MemoryError`.
    pub(super) fn request_stable(object: &Declared<'_, 'py>, flags: c_int) -> PyResult<Self> {
        let py = object.py();
        let buffer = Fixed::new(py, ffi::Py_buffer::new())?;
        // SAFETY: there is room for a view, which does not move. `drop` releases it once, by this function.
        let release = unsafe { object.request(buffer.as_ptr(), flags) }?;
        Ok(Self::new(py, buffer, Some(release)))
    }

    fn new(py: Python<'py>, buffer: Fixed<ffi::Py_buffer>, release: Option<ffi::releasebufferproc>) -> Self {
        Self {
            buffer,
            #[cfg(feature = "dlpack")]
            tensor: None,
            py,
            release,
        }
    }

    /// The fields that the exporter has filled.
    pub(super) fn reported(&self) -> Reported<'_> {
        // SAFETY: the `Py_buffer` is initialised, and is not written while the view is held.
        let view = unsafe { *self.buffer.as_ptr() };
        let ndim = usize::try_from(view.ndim).ok().filter(|&ndim| ndim <= MAX_NDIM);
        let array = |first: *mut isize| {
            if first.is_null() {
                return None;
            }
            // SAFETY: an exporter puts `ndim` numbers in each array that is not NULL, and keeps them while the view is
            // held (invariant 1). They may be unaligned.
            let number = |axis| unsafe { first.wrapping_add(axis).read_unaligned() };
            Some((0..ndim?).map(number).collect())
        };
        Reported {
            buf: view.buf.cast(),
            owned: !view.obj.is_null(),
            len: view.len,
            itemsize: view.itemsize,
            ndim: view.ndim,
            // SAFETY: an exporter's format ends in a NUL, and is kept while the view is held (invariant 1).
            format: (!view.format.is_null()).then(|| unsafe { CStr::from_ptr(view.format) }),
            arrays: ndim.map(|_| Arrays {
                shape: array(view.shape),
                strides: array(view.strides),
                suboffsets: array(view.suboffsets),
            }),
        }
    }

    /// Converts the view to one whose token has no limited lifetime.
    ///
    /// # Safety
    ///
    /// The result is used and dropped on attached threads only. [`reported`](Self::reported) may be called on any
    /// thread.
    pub(super) unsafe fn unbind(self) -> Held<'static> {
        let held = std::mem::ManuallyDrop::new(self);
        // SAFETY: the value is not dropped, so its allocation is moved out of it.
        let buffer = unsafe { std::ptr::read(&raw const held.buffer) };
        // SAFETY: as above.
        #[cfg(feature = "dlpack")]
        let tensor = unsafe { std::ptr::read(&raw const held.tensor) };
        Held {
            buffer,
            #[cfg(feature = "dlpack")]
            tensor,
            // SAFETY: the caller vouches for the uses of the token.
            py: unsafe { Python::assume_attached() },
            release: held.release,
        }
    }

    /// The object that keeps the view, for the garbage collector.
    pub(super) fn object(&self) -> Option<&Py<PyAny>> {
        // SAFETY: the `Py_buffer` is initialised, and is not written while the view is held.
        let object = unsafe { &raw const (*self.buffer.as_ptr()).obj };
        // SAFETY: `obj` is NULL or an owned reference to an object, and `Option<Py<PyAny>>` has the same layout.
        let object: &Option<Py<PyAny>> = unsafe { &*object.cast() };
        object.as_ref()
    }

    pub(super) fn py(&self) -> Python<'py> {
        self.py
    }

    pub(super) fn readonly(&self) -> bool {
        // SAFETY: as in `reported`.
        unsafe { (*self.buffer.as_ptr()).readonly != 0 }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        #[cfg(feature = "dlpack")]
        if let Some(tensor) = self.tensor.take() {
            // The deleter may be Python code, as the release of a view may be.
            let end = || {
                drop(tensor);
                report_raised(self.py);
            };
            return with_none_pending(self.py, end, |()| false);
        }
        // SAFETY: the view was granted (invariant 1), and is released only here, by the function that belongs to it.
        unsafe { release_held(self.py, self.buffer.as_ptr(), self.release) };
    }
}

/// Releases a view of another exporter, which may run Python code. A pending exception stays pending. An exception that
/// the release leaves set is reported, because no caller could handle it.
///
/// # Safety
///
/// The view was granted, and is released only here. `stable` is the function that belongs to a stable view, and `None`
/// for an ordinary one.
pub(crate) unsafe fn release_held(py: Python<'_>, view: *mut ffi::Py_buffer, stable: Option<ffi::releasebufferproc>) {
    let release = || {
        match stable {
            // SAFETY: attached, as the token proves, and the caller vouches for the view.
            None => unsafe { ffi::PyBuffer_Release(view) },
            // SAFETY: as above, and the caller vouches for the function.
            Some(release) => unsafe { release_stable(view, release) },
        }
        report_raised(py);
    };
    if PyErr::occurred(py) { with_none_pending(py, release, |()| false) } else { release() }
}
