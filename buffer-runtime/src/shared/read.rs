//! Reading: the operations on shared memory that Rust may not write.

use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr::NonNull;
use std::slice;

use super::bulk;
use super::copy_error::CopyError;
use super::room::room_for;
use super::run::Dense;
use super::unit::copy_out;
use crate::element::{self, Element};
use crate::rules::{MutableWhileShared, SlicedWhileShared};

/// Elements that other code may write at the same time. This type only reads them.
///
/// Each byte is loaded as by a relaxed atomic. The documentation of [`Shared`](super::Shared), which also writes,
/// explains which elements may be read half old and half new. A `SharedRead` is not a slice: use [`get`](Self::get), or
/// [`fold_chunks`](Self::fold_chunks) for bulk work.
///
/// A `SharedRead` is borrowed from a [`BufferView`](crate::BufferView), or from a [`Shared`](super::Shared), which
/// derefs to it. It is `Send` and `Sync`, so that threads that are detached from Python, and other threads, may use a
/// reference to it.
///
/// ```
/// use buffer_runtime::{ExportCell, SharedRead};
/// use pyo3::prelude::*;
///
/// fn rises(items: &SharedRead<f64>) -> usize {
///     items.iter().zip(items.iter().skip(1)).filter(|(before, after)| before < after).count()
/// }
///
/// # Python::initialize();
/// Python::attach(|py| {
///     let cell = ExportCell::new(vec![1.0, 4.0, 2.0, 3.0]);
///     let items = cell.share(py)?;
///     assert_eq!(py.detach(|| rises(&items)), 2);
///     assert_eq!((items.len(), items.get(1)), (4, 4.0));
///     Ok::<(), PyErr>(())
/// })?;
/// # Ok::<(), PyErr>(())
/// ```
pub struct SharedRead<T: ?Sized> {
    data: NonNull<T>,
    len: usize,
    elements: PhantomData<T>,
}

// SAFETY: all access is atomic, and elements are Send and Sync.
unsafe impl<T: Element> Send for SharedRead<T> {}
// SAFETY: as above.
unsafe impl<T: Element> Sync for SharedRead<T> {}

impl<T: Element> SharedRead<T> {
    /// # Safety
    ///
    /// While the handle lives, `data` is aligned and valid for reads of `len` initialised elements, and no mutable
    /// reference to them exists. Unless `T::ANY_BITS`, all code writes only valid elements.
    pub(crate) unsafe fn new(data: *mut T, len: usize) -> Self {
        // For a generic element this evaluation checks what `Element` promises.
        const { element::check::<T>() }
        debug_assert!(data.is_aligned());
        // SAFETY: the caller vouches for a valid pointer, which is not null.
        Self { data: unsafe { NonNull::new_unchecked(data) }, len, elements: PhantomData }
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Loads one element.
    ///
    /// # Panics
    ///
    /// When `index` is not less than `len()`.
    #[inline]
    pub fn get(&self, index: usize) -> T {
        let mut value = MaybeUninit::uninit();
        // SAFETY: `at` has checked the index, and `value` has room for one element.
        unsafe { copy_out(self.at(index), value.as_mut_ptr(), 1) };
        // SAFETY: every unit of `value` was loaded from a valid element (invariant 3). The units may be from different
        // elements; such a mixture is valid (Element, clause 3).
        unsafe { value.assume_init() }
    }

    /// Loads the elements one after the other, in order, as `for element in &elements` does.
    ///
    /// In a `for` loop, each element is loaded when the iterator returns it. A method that takes all elements, such as
    /// `sum`, `fold` or `for_each`, loads a chunk of them at a time, as [`fold_chunks`](Self::fold_chunks) does, and is
    /// faster.
    pub fn iter(&self) -> SharedItems<'_, T> {
        SharedItems { whole: self, left: 0..self.len }
    }

    /// Loads all elements into a vector. For a large one, Linux is advised to use huge pages.
    ///
    /// # Errors
    ///
    /// When there is no memory for the copies. `?` turns the error into Python's `MemoryError`.
    pub fn to_vec(&self) -> Result<Vec<T>, CopyError> {
        let mut copies = room_for(self.len).map_err(|cause| CopyError::new(self.len, cause))?;
        // SAFETY: there are `len` elements, and the vector has room for `len`.
        unsafe { copy_out(self.data.as_ptr(), copies.as_mut_ptr(), self.len) };
        // SAFETY: `len` elements were just loaded from valid ones (invariant 3), as in `get`.
        unsafe { copies.set_len(self.len) };
        Ok(copies)
    }

    /// Loads all elements into a slice of the same length.
    ///
    /// # Panics
    ///
    /// When the lengths differ.
    pub fn copy_to_slice(&self, target: &mut [T]) {
        assert_eq!(target.len(), self.len, "the slice to copy to must be as long as the buffer");
        // SAFETY: there are `len` elements, and the slice has room for `len`.
        unsafe { copy_out(self.data.as_ptr(), target.as_mut_ptr(), self.len) };
    }

    /// Reads all elements in bulk: copies one chunk of them after the other to the stack, and calls `fold` with the
    /// copy, an ordinary slice (the compiler vectorises the work on it).
    ///
    /// The chunks are in order; all but the last have the same length. Each chunk has the values at the time of its
    /// copy, so the chunks are not a snapshot of one moment.
    ///
    /// On x86-64 a small closure is compiled twice, and uses the wide vectors of AVX2 if the processor has them. If the
    /// closure calls another function for the work, put `#[inline(always)]` on that function.
    ///
    /// ```
    /// # use buffer_runtime::SharedRead;
    /// fn sum(items: &SharedRead<i32>) -> i64 {
    ///     items.fold_chunks(0, |sum, chunk| sum + chunk.iter().map(|&item| i64::from(item)).sum::<i64>())
    /// }
    /// ```
    pub fn fold_chunks<A>(&self, init: A, fold: impl FnMut(A, &[T]) -> A) -> A {
        bulk::fold_chunks(self.dense(), init, fold)
    }

    /// Reads all elements of two buffers of the same length in bulk, one chunk of each at a time, as
    /// [`fold_chunks`](Self::fold_chunks) does for one buffer.
    ///
    /// ```
    /// # use buffer_runtime::SharedRead;
    /// fn squared_distance(a: &SharedRead<f64>, b: &SharedRead<f64>) -> f64 {
    ///     a.fold_chunks_with(b, 0.0, |sum, a, b| sum + a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>())
    /// }
    /// ```
    ///
    /// # Panics
    ///
    /// When the lengths differ.
    pub fn fold_chunks_with<U: Element, A>(
        &self,
        other: &SharedRead<U>,
        init: A,
        fold: impl FnMut(A, &[T], &[U]) -> A,
    ) -> A {
        assert_eq!(other.len, self.len, "the other buffer must be as long as this one");
        bulk::fold_chunks_with(self.dense(), other.dense(), init, fold)
    }

    /// Reads all elements as arrays of `N`, in order. If `N` does not divide `len()`, the last array is filled up with
    /// `pad`. The best `pad` is a value that does not change the result, such as 0 for a sum.
    ///
    /// This is the fastest way to read all elements: the length of an array is known at compile time, so for a simple
    /// `fold` the compiler loads the elements into registers only. It vectorises a `fold` that treats all elements of
    /// an array alike, so `A` should be an array of `N` results, one for each index. Arrays should have 64 to 256
    /// bytes, a multiple of 32 bytes. They are on the stack, so very large ones overflow it. An `N` of 0 does not
    /// compile.
    ///
    /// On x86-64 `fold` is compiled twice, as in [`fold_chunks`](Self::fold_chunks); put `#[inline(always)]` on a
    /// function that it calls.
    ///
    /// ```
    /// # use buffer_runtime::SharedRead;
    /// fn largest(items: &SharedRead<f32>) -> f32 {
    ///     let each = items.fold_arrays([f32::MIN; 32], f32::MIN, |mut each, array: [_; 32]| {
    ///         each.iter_mut().zip(array).for_each(|(largest, item)| *largest = largest.max(item));
    ///         each
    ///     });
    ///     each.into_iter().fold(f32::MIN, f32::max)
    /// }
    /// ```
    pub fn fold_arrays<A, const N: usize>(&self, init: A, pad: T, fold: impl FnMut(A, [T; N]) -> A) -> A {
        bulk::fold_arrays(self.dense(), init, pad, fold)
    }

    /// Reads all elements of two buffers of the same length as arrays of `N`, one of each buffer at a time, as
    /// [`fold_arrays`](Self::fold_arrays) does for one buffer.
    ///
    /// ```
    /// # use buffer_runtime::SharedRead;
    /// fn dot(a: &SharedRead<f64>, b: &SharedRead<f64>) -> f64 {
    ///     let sums = a.fold_arrays_with(b, [0.0; 16], (0.0, 0.0), |mut sums, a: [_; 16], b| {
    ///         sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    ///         sums
    ///     });
    ///     sums.iter().sum()
    /// }
    /// ```
    ///
    /// # Panics
    ///
    /// When the lengths differ.
    pub fn fold_arrays_with<U: Element, A, const N: usize>(
        &self,
        other: &SharedRead<U>,
        init: A,
        pads: (T, U),
        fold: impl FnMut(A, [T; N], [U; N]) -> A,
    ) -> A {
        assert_eq!(other.len, self.len, "the other buffer must be as long as this one");
        bulk::fold_arrays_with(self.dense(), other.dense(), init, pads, fold)
    }

    /// The address of the elements, for callers that can guarantee more than this type does.
    ///
    /// The pointer is valid as long as the view or guard that the handle was borrowed from. Non-atomic accesses through
    /// it must not race with any other access. A caller that writes must make sure that the memory may be written.
    pub fn as_ptr(&self) -> *const T {
        self.data.as_ptr()
    }

    /// The address of an element. Panics if there is no such element.
    #[inline]
    pub(super) fn at(&self, index: usize) -> *mut T {
        assert!(index < self.len, "index {index} is out of range for a buffer of {} elements", self.len);
        // SAFETY: the index is in range, and the elements are in one allocation.
        unsafe { self.data.as_ptr().add(index) }
    }

    pub(super) fn dense(&self) -> Dense<T> {
        // SAFETY: `len` elements are valid as long as the handle.
        unsafe { Dense::new(self.data(), self.len) }
    }

    pub(super) fn data(&self) -> *mut T {
        self.data.as_ptr()
    }
}

// Methods that only a slice has, see `not_slice`. They are in the module of the type, which the compiler would name
// otherwise.
#[doc(hidden)]
#[allow(clippy::mut_from_ref, reason = "nobody can call them")]
impl<T> SharedRead<T> {
    pub fn iter_mut(&self) -> slice::IterMut<'_, T>
    where
        Self: MutableWhileShared,
    {
        unreachable!("nothing satisfies the bound")
    }

    pub fn as_mut_slice(&self) -> &mut [T]
    where
        Self: MutableWhileShared,
    {
        unreachable!("nothing satisfies the bound")
    }

    pub fn as_slice(&self) -> &[T]
    where
        Self: SlicedWhileShared,
    {
        unreachable!("nothing satisfies the bound")
    }
}

impl<'a, T: Element> IntoIterator for &'a SharedRead<T> {
    type Item = T;
    type IntoIter = SharedItems<'a, T>;

    fn into_iter(self) -> SharedItems<'a, T> {
        self.iter()
    }
}

/// The elements of a [`SharedRead`] or a [`Shared`](super::Shared), in order. Made by [`SharedRead::iter`].
#[must_use = "elements are loaded only when the iterator returns them; loop over it"]
pub struct SharedItems<'a, T> {
    whole: &'a SharedRead<T>,
    left: Range<usize>,
}

impl<T: Element> Iterator for SharedItems<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.left.next().map(|index| self.whole.get(index))
    }

    #[inline]
    fn nth(&mut self, count: usize) -> Option<T> {
        self.left.nth(count).map(|index| self.whole.get(index))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }

    fn fold<A, F: FnMut(A, T) -> A>(self, init: A, mut fold: F) -> A {
        let left = self.whole.range(self.left);
        left.fold_chunks(init, |folded, chunk| chunk.iter().copied().fold(folded, &mut fold))
    }
}

impl<T: Element> DoubleEndedIterator for SharedItems<'_, T> {
    #[inline]
    fn next_back(&mut self) -> Option<T> {
        self.left.next_back().map(|index| self.whole.get(index))
    }
}

impl<T: Element> ExactSizeIterator for SharedItems<'_, T> {}

impl<T> fmt::Debug for SharedItems<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedItems").field("left", &self.left.len()).finish_non_exhaustive()
    }
}

impl<T: Element> fmt::Debug for SharedRead<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedRead").field("len", &self.len).finish_non_exhaustive()
    }
}
