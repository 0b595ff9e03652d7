//! Reading all items of a view at once.

use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;

use super::BufferView;
use crate::element::Element;
use crate::exception::exception;
use crate::shared;

impl<T: Element> BufferView<'_, T> {
    /// Copies the items, in C order of their indices.
    ///
    /// # Errors
    ///
    /// `MemoryError` where there is no room for them: a buffer may repeat its items far beyond the memory that they take.
    pub fn to_vec(&self) -> PyResult<Vec<T>> {
        let mut cursor = self.cursor();
        let len = self.len();
        let mut items = Vec::new();
        items
            .try_reserve_exact(len)
            .map_err(|_| exception::<PyMemoryError>(self.held.py(), format_args!("no room for {len} items")))?;
        // SAFETY: all items are left, and there is room for them.
        unsafe { shared::load(&mut cursor, items.as_mut_ptr(), len) };
        // SAFETY: so many were just initialised.
        unsafe { items.set_len(len) };
        Ok(items)
    }

    /// Copies the items into a slice of the same length, in C order of their indices.
    ///
    /// # Panics
    ///
    /// When the lengths differ.
    pub fn copy_to_slice(&self, target: &mut [T]) {
        assert_eq!(target.len(), self.len(), "the slice to copy to must be as long as the buffer");
        // SAFETY: all items are left, and so many fit the slice.
        unsafe { shared::load(&mut self.cursor(), target.as_mut_ptr(), target.len()) };
    }

    /// Reads all items in bulk, in C order of their indices: copies a chunk of them to the stack, lets `fold` work on the copy
    /// as on any slice (the compiler vectorises it), and goes on with the next chunk. See [`SharedRead::fold_chunks`](crate::SharedRead::fold_chunks).
    ///
    /// Chunks have nothing to do with rows; all but the last have the same length.
    pub fn fold_chunks<A>(&self, init: A, fold: impl FnMut(A, &[T]) -> A) -> A {
        shared::fold_chunks(self.cursor(), init, fold)
    }

    /// Reads all items of two buffers of the same length in bulk, chunks of both at a time, each in C order of its own
    /// indices. See [`SharedRead::fold_chunks_with`](crate::SharedRead::fold_chunks_with).
    ///
    /// # Panics
    ///
    /// When the lengths differ. Shapes may: compare them first where that matters.
    pub fn fold_chunks_with<U: Element, A>(
        &self,
        other: &BufferView<'_, U>,
        init: A,
        fold: impl FnMut(A, &[T], &[U]) -> A,
    ) -> A {
        assert_eq!(other.len(), self.len(), "the other buffer must be as long as this one");
        shared::fold_chunks_with(self.cursor(), other.cursor(), init, fold)
    }

    /// Reads all items as arrays of `N`, in C order of their indices, the last one filled up with `pad`. The fastest way to read
    /// all of them; see [`SharedRead::fold_arrays`](crate::SharedRead::fold_arrays).
    pub fn fold_arrays<A, const N: usize>(&self, init: A, pad: T, fold: impl FnMut(A, [T; N]) -> A) -> A {
        shared::fold_arrays(self.cursor(), init, pad, fold)
    }

    /// Reads all items of two buffers of the same length as arrays of `N`, of both at a time, each in C order of its own
    /// indices. See [`SharedRead::fold_arrays_with`](crate::SharedRead::fold_arrays_with).
    ///
    /// # Panics
    ///
    /// When the lengths differ. Shapes may: compare them first where that matters.
    pub fn fold_arrays_with<U: Element, A, const N: usize>(
        &self,
        other: &BufferView<'_, U>,
        init: A,
        pads: (T, U),
        fold: impl FnMut(A, [T; N], [U; N]) -> A,
    ) -> A {
        assert_eq!(other.len(), self.len(), "the other buffer must be as long as this one");
        shared::fold_arrays_with(self.cursor(), other.cursor(), init, pads, fold)
    }
}
