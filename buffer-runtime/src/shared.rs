//! Element access beside concurrent writers: `Shared<T>`.
//!
//! Python writes this memory without telling Rust, with the GIL released or without one. A plain load beside such a write
//! would be a data race, so all access here is by relaxed atomics.
//!
//! 1. To the language every access is to single bytes, so that handles to the same memory may have items of different
//!    sizes; the processor loads and stores a unit of each `T` at once, where `access` says so. A unit is as large as the
//!    alignment of `T`, at most a machine word.
//! 2. No reference to an element exists, only raw pointers; what is handed out is a copy.
//! 3. Whatever is in the memory is a valid `T` at any time. If not every bit pattern is one, as in a `bool`, foreign code may
//!    not write: no class exports such elements for writing (`export::descriptor`).
//!
//! Assumed of the other side, as documented on the type: a plain load or store by foreign code acts as a racing relaxed
//! one of each byte.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

pub(crate) use self::bulk::{fold_arrays, fold_arrays_with, fold_chunks, fold_chunks_with, for_each_chunk, update};
pub use self::read::SharedRead;
pub(crate) use self::run::{Run, Runs, fill, load, store};

use self::unit::copy_in;
use crate::element::Element;

mod access;
mod arrays;
mod block;
mod bulk;
mod chunk;
mod read;
mod run;
mod unit;
mod wide;

/// Elements that others, Python among them, may read and write at the same time.
///
/// Each byte is loaded and stored as a relaxed atomic would be, so that handles to the same memory may have elements of
/// different sizes. There is no undefined behaviour, whoever else writes; but there is no order either:
///
/// - an element larger than its unit may be seen half old and half new. On x86, x86-64 and aarch64 a unit is as large as the
///   alignment of `T`, at most a machine word, so on 64-bit machines scalars are never torn. On other processors it is a byte;
/// - a load and a later store are two steps: an update that another thread makes in between is lost.
///
/// Foreign code is assumed to act on this memory as racing loads and stores of single bytes would, which is what compiled
/// C does.
///
/// It is no slice and cannot be indexed with `[]`, which would have to make a reference: use [`get`](SharedRead::get) and
/// [`set`](Self::set), or for bulk work [`fold_chunks`](SharedRead::fold_chunks) and
/// [`for_each_chunk`](Self::for_each_chunk), which are easiest, and [`fold_arrays`](SharedRead::fold_arrays) and
/// [`update`](Self::update), which are fastest. Whatever only reads it has as a [`SharedRead`], to which it derefs.
///
/// A `Shared` comes from a [`ShareGuard`](crate::ShareGuard) or a [`BufferViewMut`](crate::BufferViewMut), and lives no
/// longer than that.
pub struct Shared<T> {
    reads: SharedRead<T>,
    /// Invariant, as whatever is written through a shared reference: what is stored as a supertype of `T`, others read as `T`.
    writes: PhantomData<fn(T) -> T>,
}

impl<T: Element> Shared<T> {
    /// # Safety
    ///
    /// While the handle lives, `data` is aligned and valid for reads and writes of `len` initialised elements, and nobody
    /// holds a reference to them. Unless `T::ANY_BITS`, nobody writes them but as valid elements.
    pub(crate) unsafe fn new(data: *mut T, len: usize) -> Self {
        // SAFETY: the caller vouches for more than is needed.
        Self { reads: unsafe { SharedRead::new(data, len) }, writes: PhantomData }
    }

    /// Stores one element.
    ///
    /// # Panics
    ///
    /// When `index` is not less than `len()`.
    #[inline]
    pub fn set(&self, index: usize, value: T) {
        // SAFETY: `at` has checked the index, and a local is one initialised element.
        unsafe { copy_in(&raw const value, self.reads.at(index), 1) };
    }

    /// Stores all elements from a slice of the same length.
    ///
    /// # Panics
    ///
    /// When the lengths differ.
    pub fn copy_from_slice(&self, source: &[T]) {
        assert_eq!(source.len(), self.len(), "the slice to copy from must be as long as the buffer");
        // SAFETY: the slice has `len` initialised elements, and so many are here.
        unsafe { copy_in(source.as_ptr(), self.as_ptr(), self.len()) };
    }

    /// Stores one value everywhere.
    pub fn fill(&self, value: T) {
        // SAFETY: the elements may be written as long as the handle lives.
        unsafe { fill(&mut self.reads.dense(), value) };
    }

    /// Changes all elements in bulk: copies a chunk of them to the stack, lets `change` work on the copy as on any slice
    /// (the compiler vectorises it), stores back the units that it changed, and goes on with the next chunk.
    ///
    /// Chunks come in order; all but the last have the same length. What others write to elements that `change` leaves
    /// alone is kept; what they write to an element that it changes may be lost. When `change` panics, its chunk is not
    /// stored.
    pub fn for_each_chunk(&self, change: impl FnMut(&mut [T])) {
        // SAFETY: the elements may be written as long as the handle lives.
        unsafe { for_each_chunk(self.reads.dense(), change) };
    }

    /// Puts what `change` makes of each element in its place, in order.
    ///
    /// The fastest way to change all of them: the compiler vectorises a `change` that is simple, and elements of 1, 2, 4 and so
    /// on up to 128 bytes go from memory to registers and back; others take the way over a chunk on the stack.
    ///
    /// Elements are loaded and stored a few at a time, at most 4096 bytes or one, and `change` is called in between. Each is
    /// stored, even if it is what it was: what is written to it in between is lost, by others as well as by `change` itself,
    /// through another handle or through Python. Where most elements stay as they are,
    /// [`for_each_chunk`](Self::for_each_chunk) keeps what others write to those. When `change` panics, the elements before are
    /// stored, but for those that were loaded with the one that it was called for.
    pub fn update(&self, change: impl FnMut(T) -> T) {
        // SAFETY: the elements may be written as long as the handle lives.
        unsafe { update(self.reads.dense(), change) };
    }

    /// Where the elements are, for those who can promise more than this type does.
    ///
    /// Valid as long as what the handle was borrowed from. Accesses through it that are not atomic must not race with any
    /// other access.
    pub fn as_ptr(&self) -> *mut T {
        self.reads.data()
    }
}

impl<T> Deref for Shared<T> {
    type Target = SharedRead<T>;

    fn deref(&self) -> &SharedRead<T> {
        &self.reads
    }
}

impl<T: Element> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
