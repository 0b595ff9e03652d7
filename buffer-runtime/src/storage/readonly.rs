//! Slices that others may be reading too: read-only.

use std::ptr::NonNull;
use std::sync::Arc;

use super::{ReadOnly, Storage};
use crate::element::Element;

/// Where the elements of a slice are that nobody writes as long as the caller's storage lives.
pub(crate) fn of_slice<T>(slice: &[T]) -> (NonNull<T>, usize) {
    (NonNull::from(slice).cast(), slice.len())
}

// SAFETY: an Arc keeps its slice in place and alive, and hands out shared references alone while it is not the only one (1,
// 2, 5). Its elements are Send and Sync (6), and looking where they are cannot fail (3, 4).
unsafe impl<T: Element> Storage for Arc<[T]> {
    type Element = T;
    type Access = ReadOnly;

    unsafe fn raw(this: *mut Self) -> (NonNull<T>, usize) {
        // SAFETY: the caller vouches for a valid Arc. Shared references to its elements harm nobody.
        let slice = unsafe { &**this };
        of_slice(slice)
    }
}

// SAFETY: as for `Arc<[T]>`: the Vec inside is shared, and so changes no more than a slice would.
unsafe impl<T: Element> Storage for Arc<Vec<T>> {
    type Element = T;
    type Access = ReadOnly;

    unsafe fn raw(this: *mut Self) -> (NonNull<T>, usize) {
        // SAFETY: as for `Arc<[T]>`.
        let vec = unsafe { &**this };
        of_slice(vec)
    }
}

// SAFETY: what is borrowed for ever stays as it is for ever (1, 2, 5), and nothing drops it (6); looking where it is cannot
// fail (3, 4).
unsafe impl<T: Element> Storage for &'static [T] {
    type Element = T;
    type Access = ReadOnly;

    unsafe fn raw(this: *mut Self) -> (NonNull<T>, usize) {
        // SAFETY: the caller vouches for a valid reference. Further ones to its elements harm nobody.
        let slice: &[T] = unsafe { *this };
        of_slice(slice)
    }
}
