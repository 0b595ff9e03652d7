//! `smallvec::SmallVec`: a few elements in the storage itself, more of them on the heap.

use std::collections::TryReserveError;
use std::ptr::NonNull;

use smallvec::{Array, SmallVec};

use crate::element::Element;
use crate::shared::SharedRead;
use crate::storage::{FromElements, ReadWrite, Storage};

// SAFETY: if it has spilled to the heap, as for a Vec. Otherwise as for an array: the elements lie in the storage
// itself, which stays where it is until it is moved or dropped (1, 2, 5, 7). `as_mut_ptr` makes no slice and does not
// unwind (3, 4), and its elements are Send (6).
unsafe impl<A: Array<Item: Element> + 'static> Storage for SmallVec<A> {
    type Element = A::Item;
    type Access = ReadWrite;

    const DROPS_PLAINLY: bool = true;
    const STABLE: bool = true;
    const RESIZABLE: bool = true;

    unsafe fn raw(this: *mut Self) -> (NonNull<A::Item>, usize) {
        // SAFETY: the caller vouches for a valid SmallVec without other references.
        let vec = unsafe { &mut *this };
        let len = vec.len();
        // SAFETY: the pointer of a SmallVec is never null.
        (unsafe { NonNull::new_unchecked(vec.as_mut_ptr()) }, len)
    }
}

impl<A: Array<Item: Element> + 'static> FromElements for SmallVec<A> {
    fn from_elements(elements: &SharedRead<A::Item>) -> Result<Self, TryReserveError> {
        Ok(Self::from_vec(elements.to_vec()?))
    }

    fn from_vec(elements: Vec<A::Item>) -> Result<Self, TryReserveError> {
        Ok(Self::from_vec(elements))
    }
}
