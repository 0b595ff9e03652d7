//! `aligned_vec::AVec`: a vector that begins at a multiple of a cache line, however often it grows.

use std::ptr::NonNull;

use aligned_vec::{AVec, Alignment};

use crate::element::Element;
use crate::storage::{ReadWrite, Storage};

// SAFETY: as for a Vec (1, 2, 5): its alignment is that of the elements at least. `as_mut_ptr` makes no slice and does
// not unwind (3, 4), and its elements are Send (6).
unsafe impl<T: Element, A: Alignment + Send + 'static> Storage for AVec<T, A> {
    type Element = T;
    type Access = ReadWrite;

    const DROPS_PLAINLY: bool = true;
    const RESIZABLE: bool = true;

    unsafe fn raw(this: *mut Self) -> (NonNull<T>, usize) {
        // SAFETY: the caller vouches for a valid AVec without other references.
        let vec = unsafe { &mut *this };
        let len = vec.len();
        // SAFETY: the pointer of an AVec is never null.
        (unsafe { NonNull::new_unchecked(vec.as_mut_ptr()) }, len)
    }
}
