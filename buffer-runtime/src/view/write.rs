//! Views that write.

use std::fmt;
use std::ops::Deref;

use pyo3::prelude::*;
use pyo3::{Borrowed, PyErr};

use super::{BufferView, Intent, Viewed};
use crate::element::Element;
use crate::shared::{self, Shared};

/// A view of the buffer of a Python object, to read and write its items as `T`.
///
/// All that a [`BufferView`] has is here as well. It asks the exporter for a writable view; while it lives, an
/// [`ExportCell`](crate::ExportCell) of this crate counts one.
///
/// ```no_run
/// use buffer_runtime::BufferViewMut;
/// use pyo3::prelude::*;
///
/// /// Scales a buffer in place.
/// #[pyfunction]
/// fn scale(items: BufferViewMut<'_, f64>, factor: f64) {
///     items.for_each_chunk(|chunk| chunk.iter_mut().for_each(|item| *item *= factor));
/// }
/// ```
///
/// Writing needs no `&mut`: others may write the same items anyway, and two views of one buffer may live at once. A store is
/// relaxed, as of [`Shared`]; an update that another thread makes between a load and a store is lost.
///
/// That is sound beside Python, and beside all that this crate lends. It is not beside references of another crate's, which no
/// exporter knows of: do not write while there is a slice of the same memory, such as one of a rust-numpy `PyReadonlyArray`.
///
/// # Errors
///
/// Extracting one raises what extracting a [`BufferView`] raises, and
///
/// - what the exporter raises where its memory is read-only: `BufferError` mostly, but `ValueError` by numpy;
/// - `BufferError` where items share memory, as those of a sliding window do, or of a broadcast array that was made
///   writable: a change of each item would change some of them twice. Items that interleave and share no byte are fine.
///   Whether they do is a search that is given up after a bounded number of steps, and then they are taken to share bytes;
///   no slicing, transposing or reshaping makes such a layout.
pub struct BufferViewMut<'py, T> {
    /// 1. It was asked for as writable, and granted so.
    view: BufferView<'py, T>,
    dense: Option<Shared<T>>,
}

impl<'py, T: Element> BufferViewMut<'py, T> {
    /// Views the buffer of an object, to write it.
    ///
    /// # Errors
    ///
    /// `TypeError`, `BufferError`, `MemoryError` or whatever the exporter raises; the [type](Self) has the list.
    pub fn from_object(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        let Viewed { view, data } = BufferView::request(object, Intent::Write)?;
        let dense = view.dense.as_ref().map(|items| {
            // SAFETY: as for the view's own handle, which has these items; and the exporter has granted to write them.
            unsafe { Shared::new(data, items.len()) }
        });
        Ok(Self { view, dense })
    }

    /// Stores one item: `view.set(&[row, column], value)`, and `view.set(&[], value)` where there are no dimensions.
    ///
    /// # Panics
    ///
    /// When an index is out of range, or there are not as many as dimensions.
    #[inline]
    #[track_caller]
    pub fn set(&self, index: &[usize], value: T) {
        let Some(item) = self.view.at(index) else {
            panic!("index {index:?} is out of range for a buffer of shape {:?}", self.shape());
        };
        // SAFETY: `at` leads to an item of the held view, which may be written (invariant 1); a local is one item.
        unsafe { item.copy_in(&raw const value) };
    }

    /// Stores all items from a slice of the same length, in C order of their indices.
    ///
    /// # Panics
    ///
    /// When the lengths differ.
    pub fn copy_from_slice(&self, source: &[T]) {
        assert_eq!(source.len(), self.len(), "the slice to copy from must be as long as the buffer");
        // SAFETY: all items are left, as many as the slice has, and they may be written (invariant 1).
        unsafe { shared::store(&mut self.view.cursor(), source) };
    }

    /// Stores one value everywhere.
    pub fn fill(&self, value: T) {
        // SAFETY: the items may be written (invariant 1).
        unsafe { shared::fill(&mut self.view.cursor(), value) };
    }

    /// Changes all items in bulk, in C order of their indices: copies a chunk of them to the stack, lets `change` work on the
    /// copy as on any slice (the compiler vectorises it), stores back what it changed, and goes on with the next chunk. See
    /// [`Shared::for_each_chunk`].
    ///
    /// Chunks have nothing to do with rows; all but the last have the same length.
    pub fn for_each_chunk(&self, change: impl FnMut(&mut [T])) {
        // SAFETY: the items may be written (invariant 1).
        unsafe { shared::for_each_chunk(self.view.cursor(), change) };
    }

    /// Puts what `change` makes of each item in its place, in C order of their indices. See [`Shared::update`].
    pub fn update(&self, change: impl FnMut(T) -> T) {
        // SAFETY: the items may be written (invariant 1).
        unsafe { shared::update(self.view.cursor(), change) };
    }

    /// The items to be read and written on any thread, attached or not, where they lie one after the other in C order.
    pub fn shared(&self) -> Option<&Shared<T>> {
        self.dense.as_ref().filter(|_| self.view.is_c_contiguous())
    }

    /// The same where they lie one after the other in C order or in Fortran order, in the order in which they lie. See
    /// [`BufferView::shared_in_memory_order`].
    pub fn shared_in_memory_order(&self) -> Option<&Shared<T>> {
        self.dense.as_ref()
    }
}

impl<'py, T> Deref for BufferViewMut<'py, T> {
    type Target = BufferView<'py, T>;

    fn deref(&self) -> &BufferView<'py, T> {
        &self.view
    }
}

impl<'py, T: Element> FromPyObject<'_, 'py> for BufferViewMut<'py, T> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Self::from_object(&object)
    }
}

impl<T> fmt::Debug for BufferViewMut<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut view = f.debug_struct("BufferViewMut");
        view.field("shape", &self.view.shape).field("strides", &self.view.strides).finish_non_exhaustive()
    }
}
