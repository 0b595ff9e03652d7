//! `Stable<S>`: a storage whose owner promises that nobody else writes the memory.

use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
use std::slice;

use super::{MayWrite, OwnLayout, Storage};

/// A storage whose owner knows that nobody else writes its memory. Python may request stable views of it, and Rust gets
/// a `&[T]` of their memory.
///
/// A `Vec` needs no such promise, since nobody else has its address. A [`ForeignBuffer`](super::ForeignBuffer) or a
/// mapped file does, because a C library may keep the address, and another process may write the file.
///
/// ```
/// use buffer_runtime::{ExportCell, ForeignBuffer, Stable};
/// # let numbers = Box::into_raw(vec![0_i32; 10].into_boxed_slice()).cast::<i32>();
/// # let free = |numbers, len| drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(numbers, len)) });
///
/// // SAFETY: the library has given the numbers away.
/// let numbers = unsafe { ForeignBuffer::new(numbers, 10, free) }?;
/// // SAFETY: it has kept no pointer to them, and so cannot write them.
/// let cell = ExportCell::new(unsafe { Stable::new(numbers) });
/// # assert_eq!(cell.len(), 10);
/// # Ok::<(), buffer_runtime::ForeignBufferError>(())
/// ```
///
/// A `WriteGuard` of the cell is a `&mut Stable<S>`. It gives access to the elements, but not to a `&mut S`: through
/// that, safe code could put another storage there, for which nobody made the promise.
pub struct Stable<S>(S);

impl<S: Storage> Stable<S> {
    /// Wraps a storage.
    ///
    /// # Safety
    ///
    /// Until the storage is unwrapped or dropped, its memory is written only through this value: by no foreign code
    /// that has the address, no other process that maps the same file, no device. This is clause 7 of [`Storage`].
    pub unsafe fn new(storage: S) -> Self {
        Self(storage)
    }

    /// Unwraps the storage.
    pub fn into_inner(self) -> S {
        self.0
    }

    /// The elements, mutably.
    pub fn as_mut_slice(&mut self) -> &mut [S::Element]
    where
        S::Access: MayWrite,
    {
        // SAFETY: `self` is borrowed mutably.
        let (data, len) = unsafe { S::raw(&raw mut self.0) };
        // SAFETY: initialised elements that may be written (Storage, clauses 1 and 2), which nothing else accesses
        // while their storage is borrowed mutably (clause 5).
        unsafe { slice::from_raw_parts_mut(data.as_ptr(), len) }
    }
}

// SAFETY: the storage inside vouches for all clauses but the last, and the caller of `new` for that one.
unsafe impl<S: Storage> Storage for Stable<S> {
    type Element = S::Element;
    type Access = S::Access;

    const STRIDED: bool = S::STRIDED;
    const DROPS_PLAINLY: bool = S::DROPS_PLAINLY;
    const STABLE: bool = true;
    const RESIZABLE: bool = false;
    const LEN: Option<usize> = S::LEN;

    unsafe fn raw(this: *mut Self) -> (NonNull<S::Element>, usize) {
        // SAFETY: the caller vouches for `this`; only the field's address is computed.
        let storage = unsafe { &raw mut (*this).0 };
        // SAFETY: as the caller vouches.
        unsafe { S::raw(storage) }
    }

    unsafe fn layout(this: *mut Self, layout: &mut OwnLayout) {
        // SAFETY: as for `raw`.
        let storage = unsafe { &raw mut (*this).0 };
        // SAFETY: as for `raw`.
        unsafe { S::layout(storage, layout) };
    }
}

impl<S> Deref for Stable<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0
    }
}

impl<S: fmt::Debug> fmt::Debug for Stable<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
