//! Slices that other code may be reading too: read-only.

use std::ptr::NonNull;
use std::sync::Arc;

use super::{ReadOnly, Storage};
use crate::element::Element;

/// The address and the number of the elements of a slice. Nothing writes them as long as the caller's storage lives.
pub(crate) fn of_slice<T>(slice: &[T]) -> (NonNull<T>, usize) {
    (NonNull::from(slice).cast(), slice.len())
}

// SAFETY: an Arc keeps its slice in place and alive, and gives out only shared references while it is not the only Arc
// of the slice (1, 2, 5, 7). Its elements are Send and Sync (6), and getting their address cannot fail (3, 4).
unsafe impl<T: Element> Storage for Arc<[T]> {
    type Element = T;
    type Access = ReadOnly;

    const STABLE: bool = true;

    unsafe fn raw(this: *mut Self) -> (NonNull<T>, usize) {
        // SAFETY: the caller vouches for a valid Arc. Shared references to its elements are harmless, since nothing
        // writes them.
        let slice = unsafe { &**this };
        of_slice(slice)
    }
}

// SAFETY: as for `Arc<[T]>`: the Vec inside is shared, so it does not change either.
unsafe impl<T: Element> Storage for Arc<Vec<T>> {
    type Element = T;
    type Access = ReadOnly;

    const STABLE: bool = true;

    unsafe fn raw(this: *mut Self) -> (NonNull<T>, usize) {
        // SAFETY: as for `Arc<[T]>`.
        let vec = unsafe { &**this };
        of_slice(vec)
    }
}

// SAFETY: memory that is borrowed for ever never changes or moves (1, 2, 5, 7), and nothing drops it (6); getting its
// address cannot fail (3, 4).
unsafe impl<T: Element> Storage for &'static [T] {
    type Element = T;
    type Access = ReadOnly;

    const STABLE: bool = true;

    unsafe fn raw(this: *mut Self) -> (NonNull<T>, usize) {
        // SAFETY: the caller vouches for a valid reference. More shared references to its elements are harmless, since
        // nothing writes them.
        let slice: &[T] = unsafe { *this };
        of_slice(slice)
    }
}
