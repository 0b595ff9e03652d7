//! The memory that arrives for a cell.

use std::fmt::{self, Display};
use std::ptr::NonNull;

use pyo3::exceptions::PyMemoryError;
use pyo3::ffi;
use pyo3::prelude::*;

use super::refused::{cause_of, unpickling};
use crate::contain::{report_raised, with_none_pending};
use crate::element::{Element, Viewable};
use crate::exception::{ClassName, exception};
use crate::memory::boxed;
use crate::pending::raised;
use crate::shared::{copy_bytes, room_for};

/// A view of the bytes that have arrived for one cell.
///
/// Invariants:
///
/// 1. The exporter has granted the view, and it is released when this is dropped. So its bytes stay in place, if the
///    exporter follows the protocol.
/// 2. `view` is from a `Box`. Nothing makes a reference to it: its pointers may point into itself.
pub struct Frame<'py> {
    view: NonNull<ffi::Py_buffer>,
    data: *const u8,
    len: usize,
    /// How many elements a row has, where rows are allocated one by one.
    row_len: Option<usize>,
    py: Python<'py>,
    name: Name,
}

/// Which field of which class a frame is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name {
    pub(super) class: &'static str,
    pub(super) field: &'static str,
}

impl<'py> Frame<'py> {
    /// Requests a view of the bytes.
    ///
    /// # Errors
    ///
    /// `UnpicklingError` if the object has no bytes in one piece; `MemoryError`.
    pub(super) fn request(object: &Bound<'py, PyAny>, row_len: Option<usize>, name: Name) -> PyResult<Self> {
        let py = object.py();
        let no_memory = |_| exception::<PyMemoryError>(py, "there is no memory for a view");
        let view = Box::into_raw(boxed(ffi::Py_buffer::new()).map_err(no_memory)?);
        // SAFETY: attached, with an object that is alive and room for a view.
        if unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), view, ffi::PyBUF_SIMPLE) } != 0 {
            // SAFETY: the box is not used afterwards; without a view nothing points into it.
            drop(unsafe { Box::from_raw(view) });
            let class = ClassName::of(object)?;
            let Name { field, .. } = name;
            return Err(cause_of(py, raised(py), |py| {
                unpickling(py, format_args!("the memory of `{field}` is a `{class}`, which has no bytes in one piece"))
            }));
        }
        // SAFETY: the view was granted, and is initialised.
        let granted = unsafe { *view };
        // SAFETY: the pointer of a Box is never null.
        let view = unsafe { NonNull::new_unchecked(view) };
        let len = usize::try_from(granted.len).ok().filter(|&len| len == 0 || !granted.buf.is_null());
        let frame = Self { view, data: granted.buf.cast(), len: len.unwrap_or(0), row_len, py, name };
        if PyErr::occurred(py) {
            // The exporter granted the view and also set an exception, which would appear later in unrelated code.
            return Err(raised(py));
        }
        if len.is_none() { Err(frame.refused("it has no address or a negative length")) } else { Ok(frame) }
    }

    /// How many elements of this type the bytes are.
    ///
    /// # Errors
    ///
    /// `UnpicklingError` if they are no whole number of elements.
    pub(super) fn count<E: Element>(&self) -> PyResult<usize> {
        if self.len.is_multiple_of(size_of::<E>()) {
            return Ok(self.len / size_of::<E>());
        }
        let (len, size) = (self.len, size_of::<E>());
        Err(self.refused(format_args!("it has {len} bytes, which are no whole number of elements of {size} bytes")))
    }

    /// How many elements each row has; `None` where the elements are in one piece.
    pub(super) fn row_len(&self) -> Option<usize> {
        self.row_len
    }

    /// Copies all elements, wherever they lie: frames may be misaligned.
    ///
    /// # Errors
    ///
    /// `UnpicklingError` if the bytes are no whole number of elements; `MemoryError`.
    pub(super) fn to_vec<E: Viewable>(&self) -> PyResult<Vec<E>> {
        let count = self.count::<E>()?;
        self.copied(0, count)
    }

    /// Copies `count` elements from the one with the index `start` on.
    ///
    /// # Errors
    ///
    /// `UnpicklingError` if there are fewer; `MemoryError`.
    pub(super) fn copied<E: Viewable>(&self, start: usize, count: usize) -> PyResult<Vec<E>> {
        const {
            // `Viewable` says so in an error of `cargo check`; this says it of records with parameters, and of elements that
            // are implemented by hand.
            assert!(
                E::ANY_BITS,
                "a pickle may contain any byte, and not every byte is a valid `bool`; store `u8`, where 0 is false and any other number is true"
            );
        }
        if start.checked_add(count).is_none_or(|end| end > self.len / size_of::<E>()) {
            return Err(self.refused("it has fewer elements than it should"));
        }
        let mut elements: Vec<E> = room_for(count).map_err(|_| self.no_memory())?;
        let (from, to) = (self.data.wrapping_add(start * size_of::<E>()), elements.as_mut_ptr());
        // SAFETY: the exporter keeps `len` bytes in place (invariant 1), all of which were just compared with the end. The
        // vector has room for as many, and is new.
        unsafe { copy_bytes(from, to.cast(), count * size_of::<E>()) };
        // SAFETY: the bytes of `count` elements were just written; any bytes are an element, as was asserted.
        unsafe { elements.set_len(count) };
        Ok(elements)
    }

    /// The exception for a frame that is wrong. `why` must not allocate.
    pub(super) fn refused(&self, why: impl Display) -> PyErr {
        let Name { class, field } = self.name;
        unpickling(self.py, format_args!("the pickle's memory for the field `{field}` of `{class}` is wrong: {why}"))
    }

    pub(super) fn no_memory(&self) -> PyErr {
        exception::<PyMemoryError>(self.py, "there is no memory for the unpickled elements")
    }
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { len, row_len, name, .. } = self;
        f.debug_struct("Frame").field("len", len).field("row_len", row_len).field("name", name).finish_non_exhaustive()
    }
}

impl Drop for Frame<'_> {
    fn drop(&mut self) {
        let release = || {
            // SAFETY: attached, as the token proves; the view was granted, and is released only here (invariant 1).
            unsafe { ffi::PyBuffer_Release(self.view.as_ptr()) };
            report_raised(self.py);
        };
        if PyErr::occurred(self.py) {
            with_none_pending(self.py, release, |()| false);
        } else {
            release();
        }
        // SAFETY: by invariant 2; the released view points nowhere, and is not used afterwards.
        drop(unsafe { Box::from_raw(self.view.as_ptr()) });
    }
}
