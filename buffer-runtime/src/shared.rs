//! Element access beside concurrent writers: `Shared<T>`.
//!
//! Python writes this memory without telling Rust, with the GIL released or without one. A plain load beside such a write
//! would be a data race, so all access here is by relaxed atomics.
//!
//! 1. Each `T` is accessed in units of one size, always the same: the smaller of its alignment and the machine word. Two
//!    handles to the same memory must not mix sizes, which would be undefined by the rules of `std::sync::atomic`.
//! 2. No reference to an element exists, only raw pointers; what is handed out is a copy.
//! 3. Whatever is in the memory is a valid `T` at any time. If not every bit pattern is one, as in a `bool`, foreign code may
//!    not write: no class exports such elements for writing (`Descriptor::of`).
//!
//! Assumed of the other side, as documented on the type: a plain load or store by foreign code acts as a racing relaxed
//! one of each byte.

use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use self::unit::{copy_in, copy_out, store_changed};
use crate::element::{self, Element};

mod block;
mod unit;

/// Elements that others, Python among them, may read and write at the same time.
///
/// Each element is loaded and stored as a whole number of machine words (or smaller units, as its alignment allows), with
/// relaxed atomics. So there is no undefined behaviour, whoever else writes; but there is no order either:
///
/// - an element larger than its unit may be seen half old and half new. A unit is as large as the alignment of `T`, at
///   most a machine word, so on 64-bit machines scalars are never torn;
/// - a load and a later store are two steps: an update that another thread makes in between is lost.
///
/// Foreign code is assumed to act on this memory as racing loads and stores of single bytes would, which is what compiled
/// C does.
///
/// It is no slice and cannot be indexed with `[]`, which would have to make a reference: use [`get`](Self::get) and
/// [`set`](Self::set), or [`for_each_chunk`](Self::for_each_chunk) for bulk work.
///
/// A `Shared` comes from a [`ShareGuard`](crate::ShareGuard) and lives no longer than it.
pub struct Shared<T> {
    data: NonNull<T>,
    len: usize,
    elements: PhantomData<T>,
}

// SAFETY: all access is atomic, and elements are Send and Sync.
unsafe impl<T: Element> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Element> Sync for Shared<T> {}

impl<T: Element> Shared<T> {
    /// # Safety
    ///
    /// While the handle lives, `data` is aligned and valid for reads and writes of `len` initialised elements, and nobody
    /// holds a reference to them. Unless `T::ANY_BITS`, nobody writes them but as valid elements.
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

    /// Stores one element.
    ///
    /// # Panics
    ///
    /// When `index` is not less than `len()`.
    #[inline]
    pub fn set(&self, index: usize, value: T) {
        // SAFETY: `at` has checked the index, and a local is one initialised element.
        unsafe { copy_in(&raw const value, self.at(index), 1) };
    }

    /// Loads the elements one after the other, in order. Each is loaded when its turn comes.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = T> + ExactSizeIterator + '_ {
        (0..self.len).map(|index| self.get(index))
    }

    /// Loads all elements into a slice of the same length.
    ///
    /// # Panics
    ///
    /// When the lengths differ.
    pub fn copy_to_slice(&self, target: &mut [T]) {
        assert_eq!(target.len(), self.len, "the slice to copy to must be as long as the buffer");
        // SAFETY: the elements are `len` many, and so many fit the slice.
        unsafe { copy_out(self.as_ptr(), target.as_mut_ptr(), self.len) };
    }

    /// Stores all elements from a slice of the same length.
    ///
    /// # Panics
    ///
    /// When the lengths differ.
    pub fn copy_from_slice(&self, source: &[T]) {
        assert_eq!(source.len(), self.len, "the slice to copy from must be as long as the buffer");
        // SAFETY: the slice has `len` initialised elements, and so many are here.
        unsafe { copy_in(source.as_ptr(), self.as_ptr(), self.len) };
    }

    /// Stores one value everywhere.
    pub fn fill(&self, value: T) {
        for index in 0..self.len {
            self.set(index, value);
        }
    }

    /// Changes all elements in bulk: copies a chunk of them to the stack, lets `change` work on the copy as on any slice
    /// (the compiler vectorises it), stores back the units that it changed, and goes on with the next chunk.
    ///
    /// Chunks come in order; all but the last have the same length. What others write to elements that `change` leaves
    /// alone is kept; what they write to an element that it changes may be lost. When `change` panics, its chunk is not
    /// stored.
    pub fn for_each_chunk(&self, change: impl FnMut(&mut [T])) {
        if size_of::<T>() <= Chunk::BYTES && align_of::<T>() <= align_of::<Chunk>() {
            let (mut before, mut after) = (Chunk::new(), Chunk::new());
            let (before, after) = (before.0.as_mut_ptr().cast(), after.0.as_mut_ptr().cast());
            // SAFETY: both chunks have room for so many elements, as aligned as `T` wants them.
            unsafe { self.change_chunks(before, after, Chunk::BYTES / size_of::<T>(), change) };
        } else {
            let (mut before, mut after) = (Box::<T>::new_uninit(), Box::<T>::new_uninit());
            // SAFETY: both boxes have room for one element.
            unsafe { self.change_chunks(before.as_mut_ptr(), after.as_mut_ptr(), 1, change) };
        }
    }

    /// # Safety
    ///
    /// `before` and `after` are aligned and have room for `chunk_len` elements each, which nobody else uses.
    unsafe fn change_chunks(&self, before: *mut T, after: *mut T, chunk_len: usize, mut change: impl FnMut(&mut [T])) {
        let mut start = 0;
        while start < self.len {
            let count = chunk_len.min(self.len - start);
            let elements = self.at(start);
            // SAFETY: `count` elements are left from `start` on, and a chunk has room for them.
            unsafe { copy_out(elements, before, count) };
            // SAFETY: two chunks of their own, the first of which was just filled.
            unsafe { before.copy_to_nonoverlapping(after, count) };
            // SAFETY: `count` elements are initialised there, and nobody else uses them.
            change(unsafe { std::slice::from_raw_parts_mut(after, count) });
            // SAFETY: both chunks have `count` initialised elements, and so many are left from `start` on.
            unsafe { store_changed(before, after, elements, count) };
            start += count;
        }
    }

    /// Where the elements are, for those who can promise more than this type does.
    ///
    /// Valid as long as the guard. Accesses through it that are not atomic must not race with any other access.
    pub fn as_ptr(&self) -> *mut T {
        self.data.as_ptr()
    }

    /// The address of an element that exists.
    #[inline]
    fn at(&self, index: usize) -> *mut T {
        assert!(index < self.len, "index {index} is out of range for a buffer of {} elements", self.len);
        // SAFETY: the index is in range, and the elements are in one allocation.
        unsafe { self.data.as_ptr().add(index) }
    }
}

/// Room on the stack for one chunk: two of them fit the first-level cache.
#[repr(align(64))]
struct Chunk([MaybeUninit<u8>; Self::BYTES]);

impl Chunk {
    const BYTES: usize = 4096;

    fn new() -> Self {
        Self([MaybeUninit::uninit(); Self::BYTES])
    }
}

impl<T: Element> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("len", &self.len).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
