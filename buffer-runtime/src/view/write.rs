//! Writable views.

use std::fmt;
use std::ops::Deref;

use pyo3::prelude::*;
use pyo3::{Borrowed, PyErr};

use super::BufferView;
use super::begin::{Intent, Viewed};
use crate::element::{Element, Viewable};
use crate::shared::{self, Shared};

/// A view of the buffer of a Python object, to read and write its items as `T`.
///
/// It has all methods of a [`BufferView`]. It requests a writable view from the exporter; while it lives, an
/// [`ExportCell`](crate::ExportCell) of this crate counts one writable view.
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
/// Writing needs no `&mut`: other code may write the same items anyway, and two views of one buffer may live at once. A
/// store is relaxed, as in [`Shared`]; an update by another thread between a load and a store is lost.
///
/// Writing is sound beside Python, and beside all references and guards of this crate. It is unsound beside a reference
/// that another crate made, because the exporter cannot see that reference: do not write while a slice of the same
/// memory exists, such as one from a `PyReadonlyArray` of rust-numpy.
///
/// # Errors
///
/// Extracting one raises what extracting a [`BufferView`] raises, and
///
/// - what the exporter raises if its memory is read-only: usually `BufferError`, but `ValueError` from numpy;
/// - `BufferError` if items share memory, as in a sliding window, or in a broadcast array that was made writable: a
///   change of each item would change some items twice. Items that interleave without sharing a byte are accepted. A
///   search decides whether items share bytes. It stops after a bounded number of steps, and then items count as
///   sharing bytes; slicing, transposing and reshaping never make a layout for which it stops early.
#[must_use = "a view is released as soon as it is dropped, and `let _ =` drops it at once; write `let view = ..`"]
pub struct BufferViewMut<'py, T: ?Sized> {
    /// 1. The view was requested as writable, and granted as writable.
    view: BufferView<'py, T>,
    dense: Option<Shared<T>>,
}

impl<'py, T> BufferViewMut<'py, T> {
    /// Views the buffer of an object, to write it.
    ///
    /// # Errors
    ///
    /// `TypeError`, `BufferError`, `MemoryError` or whatever the exporter raises; the [type](Self) lists them.
    pub fn from_object(object: &Bound<'py, PyAny>) -> PyResult<Self>
    where
        T: Viewable,
    {
        BufferView::request(object, Intent::Write).map(Self::of)
    }

    /// The caller has requested the view with [`Intent::Write`], which establishes invariant 1.
    pub(super) fn of(viewed: Viewed<'py, T>) -> Self
    where
        T: Viewable,
    {
        let Viewed { view, data } = viewed;
        let dense = view.dense.as_ref().map(|items| {
            // SAFETY: as for the view's own handle of the same items. In addition, the exporter has granted a writable
            // view.
            unsafe { Shared::new(data, items.len()) }
        });
        Self { view, dense }
    }

    /// The items, to read and write on any thread, attached or not. `None` unless they are contiguous in C order.
    pub fn shared(&self) -> Option<&Shared<T>> {
        self.dense.as_ref().filter(|_| self.view.is_c_contiguous())
    }

    /// The items in memory order, to read and write on any thread, attached or not. `None` unless they are contiguous
    /// in C order or in Fortran order. See [`BufferView::shared_in_memory_order`].
    pub fn shared_in_memory_order(&self) -> Option<&Shared<T>> {
        self.dense.as_ref()
    }
}

impl<T: Element> BufferViewMut<'_, T> {
    /// Stores one item: `view.set(&[row, column], value)`, or `view.set(&[], value)` if there are no dimensions.
    ///
    /// # Panics
    ///
    /// If an index is out of range, or if the number of indices is not the number of dimensions.
    #[inline]
    #[track_caller]
    pub fn set(&self, index: &[usize], value: T) {
        let Some(item) = self.view.at(index) else {
            panic!("index {index:?} is out of range for a buffer of shape {:?}", self.shape());
        };
        // SAFETY: `at` returns an item of the held view, which may be written (invariant 1); `value` is one item.
        unsafe { item.copy_in(&raw const value) };
    }

    /// Stores all items from a slice of the same length, in C order of their indices.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    pub fn copy_from_slice(&self, source: &[T]) {
        assert_eq!(source.len(), self.len(), "the slice to copy from must be as long as the buffer");
        // SAFETY: the cursor still has all items, as many as the slice has, and they may be written (invariant 1).
        unsafe { shared::store(&mut self.view.cursor(), source) };
    }

    /// As [`copy_from_slice`](Self::copy_from_slice), with the results of `convert`.
    pub(super) fn copy_converted<U: Copy>(&self, source: &[U], convert: impl Fn(U) -> T) {
        const AT_A_TIME: usize = 256;

        assert_eq!(source.len(), self.len(), "the slice to copy from must be as long as the buffer");
        let Some(&first) = source.first() else { return };
        let mut cursor = self.view.cursor();
        let mut converted = [convert(first); AT_A_TIME];
        for part in source.chunks(AT_A_TIME) {
            let converted = &mut converted[..part.len()];
            converted.iter_mut().zip(part).for_each(|(converted, &item)| *converted = convert(item));
            // SAFETY: the cursor has at least as many items left as the rest of the slice, and they may be written
            // (invariant 1).
            unsafe { shared::store(&mut cursor, converted) };
        }
    }

    /// Stores one value in all items.
    pub fn fill(&self, value: T) {
        // SAFETY: the items may be written (invariant 1).
        unsafe { shared::fill(&mut self.view.cursor(), value) };
    }

    /// Changes all items in bulk, in C order of their indices: copies one chunk of them after the other to the stack,
    /// calls `change` on the copy, and stores back the items that it changed. The copy is a slice, so the compiler can
    /// vectorise the loop. See [`Shared::for_each_chunk`].
    ///
    /// Chunks are unrelated to rows; all but the last have the same length.
    pub fn for_each_chunk(&self, change: impl FnMut(&mut [T])) {
        // SAFETY: the items may be written (invariant 1).
        unsafe { shared::for_each_chunk(self.view.cursor(), change) };
    }

    /// Replaces each item with the result of `change`, in C order of their indices. See [`Shared::update`].
    pub fn update(&self, change: impl FnMut(T) -> T) {
        // SAFETY: the items may be written (invariant 1).
        unsafe { shared::update(self.view.cursor(), change) };
    }
}

impl<'py, T> Deref for BufferViewMut<'py, T> {
    type Target = BufferView<'py, T>;

    fn deref(&self) -> &BufferView<'py, T> {
        &self.view
    }
}

impl<'py, T: Viewable> FromPyObject<'_, 'py> for BufferViewMut<'py, T> {
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
