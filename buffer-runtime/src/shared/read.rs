//! Reading alone: all that can be done with shared memory that Rust may not write.

use std::collections::TryReserveError;
use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use super::bulk;
use super::run::Dense;
use super::unit::copy_out;
use crate::element::{self, Element};

/// Elements that others may write at the same time, and that are only read here.
///
/// Each byte is loaded as a relaxed atomic would be; [`Shared`](super::Shared), which writes as well, says which elements may
/// be seen half old and half new. It is no slice: use [`get`](Self::get), or [`fold_chunks`](Self::fold_chunks) for bulk work.
///
/// A `SharedRead` comes from a [`BufferView`](crate::BufferView), or is what a [`Shared`](super::Shared) derefs to. It is
/// `Send` and `Sync`, so that a reference to it may be used where Python is detached, and on other threads.
pub struct SharedRead<T> {
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
    /// While the handle lives, `data` is aligned and valid for reads of `len` initialised elements, and nobody holds a
    /// mutable reference to them. Unless `T::ANY_BITS`, nobody writes them but as valid elements.
    pub(crate) unsafe fn new(data: *mut T, len: usize) -> Self {
        // The promises of a generic element hold once this has been evaluated.
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
        // SAFETY: `at` has checked the index, and a local has room for one element.
        unsafe { copy_out(self.at(index), value.as_mut_ptr(), 1) };
        // SAFETY: every unit of it was loaded from a valid element (invariant 3), if not all from the same one, and such a
        // mixture is valid (Element, clause 3).
        unsafe { value.assume_init() }
    }

    /// Loads the elements one after the other, in order. Each is loaded when its turn comes.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = T> + ExactSizeIterator + '_ {
        (0..self.len).map(|index| self.get(index))
    }

    /// Loads all elements into a vector.
    ///
    /// # Errors
    ///
    /// There is no memory for so many.
    pub fn to_vec(&self) -> Result<Vec<T>, TryReserveError> {
        let mut copies = Vec::new();
        copies.try_reserve_exact(self.len)?;
        // SAFETY: the elements are `len` many, and there is room for so many.
        unsafe { copy_out(self.data.as_ptr(), copies.as_mut_ptr(), self.len) };
        // SAFETY: so many were just loaded from valid elements (invariant 3), as in `get`.
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
        // SAFETY: the elements are `len` many, and so many fit the slice.
        unsafe { copy_out(self.data.as_ptr(), target.as_mut_ptr(), self.len) };
    }

    /// Reads all elements in bulk: copies a chunk of them to the stack, lets `fold` work on the copy as on any slice (the
    /// compiler vectorises it), and goes on with the next chunk.
    ///
    /// Chunks come in order; all but the last have the same length. Each is as its elements were when it was copied, not
    /// all at one time.
    ///
    /// On x86-64 a small closure is compiled twice, and the wide vectors of AVX2 are used where the processor has them. If it
    /// calls a function of its own for the work, `#[inline(always)]` there keeps that so.
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

    /// Reads all elements of two buffers of the same length in bulk, chunks of both at a time: [`fold_chunks`](Self::fold_chunks)
    /// for what takes two of them.
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

    /// Reads all elements as arrays of `N`, in order. Where `N` does not divide `len()`, the last array is filled up with
    /// `pad`, which is best a value that changes nothing, such as 0 for a sum.
    ///
    /// The fastest way to read all elements: the compiler knows how many it has, and if `fold` is simple, loads them into
    /// registers and nowhere else. It vectorises what treats all elements of an array alike, so `A` is best an array of as
    /// many results, one for each place. Arrays of 64 to 256 bytes are a good size, and they should be a multiple of 32 bytes.
    /// Very large ones overflow the stack, on which they are; and an `N` of 0 does not compile.
    ///
    /// On x86-64 `fold` is compiled twice, as in [`fold_chunks`](Self::fold_chunks); `#[inline(always)]` on a function that it
    /// calls keeps that so.
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

    /// Reads all elements of two buffers of the same length as arrays of `N`, of both at a time:
    /// [`fold_arrays`](Self::fold_arrays) for what takes two of them.
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

    /// Where the elements are, for those who can promise more than this type does.
    ///
    /// Valid as long as what the handle was borrowed from. Accesses through it that are not atomic must not race with any
    /// other access; and whoever writes must know that the memory may be written.
    pub fn as_ptr(&self) -> *const T {
        self.data.as_ptr()
    }

    /// The address of an element that exists.
    #[inline]
    pub(super) fn at(&self, index: usize) -> *mut T {
        assert!(index < self.len, "index {index} is out of range for a buffer of {} elements", self.len);
        // SAFETY: the index is in range, and the elements are in one allocation.
        unsafe { self.data.as_ptr().add(index) }
    }

    pub(super) fn dense(&self) -> Dense<T> {
        // SAFETY: so many elements are valid as long as the handle is.
        unsafe { Dense::new(self.data(), self.len) }
    }

    pub(super) fn data(&self) -> *mut T {
        self.data.as_ptr()
    }
}

impl<T: Element> fmt::Debug for SharedRead<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedRead").field("len", &self.len).finish_non_exhaustive()
    }
}
