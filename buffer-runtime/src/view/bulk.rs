//! Reads all items of a view in bulk.

use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;

use super::BufferView;
use crate::element::Element;
use crate::exception::exception;
use crate::shared;

impl<T: Element> BufferView<'_, T> {
    /// Copies the items, in C order of their indices, at the speed of numpy's `copy`. For a large copy, Linux is
    /// advised to use huge pages, as numpy does.
    ///
    /// # Errors
    ///
    /// `MemoryError` if there is no memory for the copy. With a stride of 0 a buffer can have far more items than its
    /// memory holds.
    pub fn to_vec(&self) -> PyResult<Vec<T>> {
        let mut cursor = self.cursor();
        let len = self.len();
        let mut items = self.room_for_all()?;
        // SAFETY: the cursor still has all items, and there is room for them.
        unsafe { shared::load(&mut cursor, items.as_mut_ptr(), len) };
        // SAFETY: `len` items were just initialised.
        unsafe { items.set_len(len) };
        Ok(items)
    }

    /// The results of `convert` for all items, in C order of their indices. This is faster than to collect what
    /// [`iter`](Self::iter) returns, because the compiler can vectorise the loop.
    ///
    /// ```no_run
    /// use buffer_runtime::{Be, BufferView};
    /// use pyo3::prelude::*;
    ///
    /// /// The numbers of an array of dtype `>f4`, in the machine's byte order.
    /// fn numbers(view: &BufferView<'_, Be<f32>>) -> PyResult<Vec<f32>> {
    ///     view.map_to_vec(Be::get)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// `MemoryError` if there is no memory for the results.
    pub fn map_to_vec<U>(&self, mut convert: impl FnMut(T) -> U) -> PyResult<Vec<U>> {
        let results = self.room_for_all()?;
        Ok(self.fold_chunks(results, |mut results, chunk| {
            results.extend(chunk.iter().map(|&item| convert(item)));
            results
        }))
    }

    /// An empty vector with room for as many items as the view has.
    pub(super) fn room_for_all<U>(&self) -> PyResult<Vec<U>> {
        let len = self.len();
        shared::room_for(len).map_err(|_| {
            let text = format_args!("there is no memory for a copy of the {len} items of a buffer");
            exception::<PyMemoryError>(self.held.py(), text)
        })
    }

    /// Copies the items into a slice of the same length, in C order of their indices.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    pub fn copy_to_slice(&self, target: &mut [T]) {
        assert_eq!(target.len(), self.len(), "the slice to copy to must be as long as the buffer");
        // SAFETY: the cursor still has all items, and the slice has room for them.
        unsafe { shared::load(&mut self.cursor(), target.as_mut_ptr(), target.len()) };
    }

    /// Reads all items in bulk, in C order of their indices: copies one chunk of them after the other to the stack, and
    /// calls `fold` on the copy. The copy is a slice, so the compiler can vectorise the loop. See
    /// [`SharedRead::fold_chunks`](crate::SharedRead::fold_chunks).
    ///
    /// Chunks are unrelated to rows; all but the last have the same length.
    pub fn fold_chunks<A>(&self, init: A, fold: impl FnMut(A, &[T]) -> A) -> A {
        shared::fold_chunks(self.cursor(), init, fold)
    }

    /// Reads all items of two buffers of the same length in bulk, a chunk of each at a time, each in C order of its own
    /// indices. See [`SharedRead::fold_chunks_with`](crate::SharedRead::fold_chunks_with).
    ///
    /// # Panics
    ///
    /// If the lengths differ. Shapes may differ: compare them first if that matters.
    pub fn fold_chunks_with<U: Element, A>(
        &self,
        other: &BufferView<'_, U>,
        init: A,
        fold: impl FnMut(A, &[T], &[U]) -> A,
    ) -> A {
        assert_eq!(other.len(), self.len(), "the other buffer must be as long as this one");
        shared::fold_chunks_with(self.cursor(), other.cursor(), init, fold)
    }

    /// Reads all items as arrays of `N`, in C order of their indices; the last array is filled up with `pad`. This is
    /// the fastest way to read all items; see [`SharedRead::fold_arrays`](crate::SharedRead::fold_arrays).
    pub fn fold_arrays<A, const N: usize>(&self, init: A, pad: T, fold: impl FnMut(A, [T; N]) -> A) -> A {
        shared::fold_arrays(self.cursor(), init, pad, fold)
    }

    /// Reads all items of two buffers of the same length as arrays of `N`, one of each at a time, each in C order of
    /// its own indices. See [`SharedRead::fold_arrays_with`](crate::SharedRead::fold_arrays_with).
    ///
    /// # Panics
    ///
    /// If the lengths differ. Shapes may differ: compare them first if that matters.
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
