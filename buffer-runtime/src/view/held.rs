//! A `Py_buffer` that was granted and will be released: the one place where a consumer's view begins and ends.

use std::ffi::{CStr, c_int};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::{PyErr, ffi};

use super::reported::{Arrays, Reported};
use super::wanted::Wanted;
use crate::contain::release_held;
use crate::exception::{ClassName, exception};
use crate::limits::MAX_NDIM;
use crate::pending::raised;
use crate::view::fixed::Fixed;

/// A granted view, released when dropped.
///
/// 1. The exporter has granted it and it was not released; so, if the exporter keeps to the protocol, what its fields point
///    to stays where it is.
/// 2. The `Py_buffer` does not move, and no `&mut` to it is made: exporters may let its pointers lead into itself.
pub(super) struct Held<'py> {
    buffer: Fixed<ffi::Py_buffer>,
    py: Python<'py>,
}

impl<'py> Held<'py> {
    /// Requests a view.
    ///
    /// # Errors
    ///
    /// `TypeError` where the object exports no buffer; what the exporter raises; `MemoryError`.
    pub(super) fn request(object: &Bound<'py, PyAny>, flags: c_int, wanted: Wanted) -> PyResult<Self> {
        let py = object.py();
        // SAFETY: attached, as the object says, which is alive.
        if unsafe { ffi::PyObject_CheckBuffer(object.as_ptr()) } == 0 {
            let (class, conversion) = (ClassName::of(object)?, wanted.conversion());
            let text = format_args!("a bytes-like object is required, not '{class}'; {conversion}");
            return Err(exception::<PyTypeError>(py, text));
        }
        let buffer = Fixed::new(py, ffi::Py_buffer::new())?;
        // SAFETY: attached, with an object that is alive and room for a view.
        if unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), buffer.as_ptr(), flags) } != 0 {
            return Err(raised(py));
        }
        let held = Self { buffer, py };
        if PyErr::occurred(py) {
            // Granted and refused at once: whoever went on would have an exception that comes from nowhere.
            return Err(raised(py));
        }
        Ok(held)
    }

    /// What the exporter says.
    pub(super) fn reported(&self) -> Reported<'_> {
        // SAFETY: it is initialised, and nobody writes it while it is held.
        let view = unsafe { *self.buffer.as_ptr() };
        let ndim = usize::try_from(view.ndim).ok().filter(|&ndim| ndim <= MAX_NDIM);
        let array = |first: *mut isize| {
            if first.is_null() {
                return None;
            }
            // SAFETY: an exporter gives `ndim` numbers in each array that is not NULL, and keeps them while the view is
            // held (invariant 1). Nothing says that they are aligned.
            let number = |axis| unsafe { first.wrapping_add(axis).read_unaligned() };
            Some((0..ndim?).map(number).collect())
        };
        Reported {
            buf: view.buf.cast(),
            owned: !view.obj.is_null(),
            len: view.len,
            itemsize: view.itemsize,
            ndim: view.ndim,
            // SAFETY: an exporter gives a string that ends in a NUL, and keeps it while the view is held (invariant 1).
            format: (!view.format.is_null()).then(|| unsafe { CStr::from_ptr(view.format) }),
            arrays: ndim.map(|_| Arrays {
                shape: array(view.shape),
                strides: array(view.strides),
                suboffsets: array(view.suboffsets),
            }),
        }
    }

    pub(super) fn py(&self) -> Python<'py> {
        self.py
    }

    pub(super) fn readonly(&self) -> bool {
        // SAFETY: as in `claims`.
        unsafe { (*self.buffer.as_ptr()).readonly != 0 }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // SAFETY: the view is released here only (invariant 1).
        unsafe { release_held(self.py, self.buffer.as_ptr()) };
    }
}
