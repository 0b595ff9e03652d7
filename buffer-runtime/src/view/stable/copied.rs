//! A slice that is borrowed if the memory cannot change, and copied if it may.

use std::fmt;
use std::ops::Deref;

use pyo3::exceptions::PyBufferError;
use pyo3::prelude::*;
use pyo3::{Borrowed, PyErr, ffi};

use super::StableView;
use crate::element::{Element, Viewable};
use crate::pending::owned;
use crate::view::BufferView;
use crate::view::held::exports_buffer;

/// A slice of the items of a Python object: the object's own memory if nobody can change it, and a copy otherwise.
///
/// For functions that need a `&[T]` and should accept every buffer. A [`StableView`] is borrowed: nothing is copied,
/// and the object refuses writers as long as this value lives. Any other buffer is copied once, in C order; afterwards
/// the object is no longer viewed. With the feature `dlpack`, so is the tensor of an object that exports no buffer,
/// such as torch's: no tensor promises that its memory does not change.
///
/// ```no_run
/// use buffer_runtime::StableOrCopy;
/// use pyo3::prelude::*;
///
/// #[pyfunction]
/// fn sorted(py: Python<'_>, values: StableOrCopy<'_, i64>) -> Vec<i64> {
///     py.detach(|| {
///         let mut values = values.to_vec();
///         values.sort_unstable();
///         values
///     })
/// }
/// ```
///
/// Other code may write while the copy is made. The copy may then contain some of what was written and not the rest.
///
/// # Errors
///
/// As for [`BufferView`], and `MemoryError` if there is no memory for the copy.
#[must_use = "a view is released as soon as it is dropped, and `let _ =` drops it at once; write `let view = ..`"]
pub struct StableOrCopy<'py, T>(Items<'py, T>);

enum Items<'py, T> {
    Borrowed(StableView<'py, T>),
    /// A `bytes` object of this value's own.
    CopiedBytes(StableView<'py, T>),
    Copied {
        items: Vec<T>,
        shape: Box<[usize]>,
    },
}

impl<'py, T: Viewable> StableOrCopy<'py, T> {
    /// Borrows or copies the items of an object.
    ///
    /// # Errors
    ///
    /// The [type](Self) lists them.
    pub fn from_object(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        // An object that exports no buffer may make a tensor, which is never stable.
        if exports_buffer(object) {
            match StableView::from_object(object) {
                Ok(view) => return Ok(Self(Items::Borrowed(view))),
                Err(error) if error.is_instance_of::<PyBufferError>(object.py()) => {}
                Err(error) => return Err(error),
            }
        }
        let view = BufferView::from_object(object)?;
        Ok(Self(Items::Copied { items: view.to_vec()?, shape: view.shape().into() }))
    }
}

impl<'py> StableOrCopy<'py, u8> {
    /// Borrows or copies the bytes of an object's memory, whatever its items are. A copy is in C order. The shape has
    /// one dimension.
    ///
    /// # Errors
    ///
    /// `TypeError` if the object exports no buffer, even if it makes tensors; `MemoryError` if there is no memory for
    /// the copy; and whatever the exporter raises to refuse the view.
    #[inline]
    pub fn bytes_of(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        match StableView::bytes_of(object) {
            Ok(view) => return Ok(Self(Items::Borrowed(view))),
            Err(error) if error.is_instance_of::<PyBufferError>(object.py()) => {}
            Err(error) => return Err(error),
        }
        // SAFETY: attached, as the object proves, and the object is alive.
        let copy = unsafe { ffi::PyBytes_FromObject(object.as_ptr()) };
        // SAFETY: the result is an owned reference, or NULL.
        let copy = unsafe { owned(object.py(), copy) }?;
        Ok(Self(Items::CopiedBytes(StableView::bytes_of(&copy)?)))
    }
}

impl<T> StableOrCopy<'_, T> {
    /// Whether this is the object's own memory, not a copy.
    pub fn is_borrowed(&self) -> bool {
        matches!(self.0, Items::Borrowed(_))
    }

    /// The number of items along each dimension.
    pub fn shape(&self) -> &[usize] {
        match &self.0 {
            Items::Borrowed(view) | Items::CopiedBytes(view) => view.shape(),
            Items::Copied { shape, .. } => shape,
        }
    }
}

impl<T: Element> Deref for StableOrCopy<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Items::Borrowed(view) | Items::CopiedBytes(view) => view,
            Items::Copied { items, .. } => items,
        }
    }
}

impl<T: Element> AsRef<[T]> for StableOrCopy<'_, T> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

impl<'py, T: Viewable> FromPyObject<'_, 'py> for StableOrCopy<'py, T> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Self::from_object(&object)
    }
}

impl<T> fmt::Debug for StableOrCopy<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("StableOrCopy");
        debug.field("shape", &self.shape()).field("borrowed", &self.is_borrowed()).finish_non_exhaustive()
    }
}
