//! What may own the elements that a cell exports.

mod rows;

use std::ptr::NonNull;

use crate::element::Element;

pub use self::rows::{RowLengthError, Rows};

/// Contiguous memory of elements, owned by one value.
///
/// Implemented for `Vec<T>`, `Box<[T]>` and `[T; N]`, where `T` is an [`Element`].
///
/// # Safety
///
/// For the memory that [`raw`](Self::raw) answers, and for as long as the storage is not moved, dropped or mutably
/// borrowed:
///
/// 1. It is initialised, aligned for `Element`, part of one allocation, at most `isize::MAX` bytes long, and its
///    address is not null, even when it is empty.
/// 2. It is valid for reads and for writes through the answered pointer.
/// 3. `raw` makes no reference to the elements: Python may be reading or writing them.
/// 4. `raw` does not unwind, block, or call Python, and gives the same answer when it is asked again.
/// 5. Nothing else moves, frees, reads or writes it: a handle that others share is not a storage.
/// 6. Dropping the storage is sound on any thread, attached to an interpreter or not.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the storage of an `ExportCell`",
    label = "not contiguous memory of elements",
    note = "storages are `Vec<T>`, `Box<[T]>` and `[T; N]`, where `T` is a number, a record, or an array of those; rows \
            that are allocated one by one are `Rows<T>`",
    note = "for a text store its bytes in a `Vec<u8>`; for a map copy the items into one `Vec`"
)]
pub unsafe trait Storage: Send + 'static {
    /// What it stores.
    type Element: Element;

    /// Where its elements are, and how many.
    ///
    /// # Safety
    ///
    /// `this` points to a valid storage to which nobody else holds a reference.
    unsafe fn raw(this: *mut Self) -> (NonNull<Self::Element>, usize);
}

/// What an [`ExportCell`](crate::ExportCell) can hold: any [`Storage`], whose elements lie one after the other, or
/// [`Rows`], which are allocated one by one.
pub trait Exportable: sealed::Sealed + Send + 'static {
    /// What it stores.
    type Element: Element;

    #[doc(hidden)]
    const INDIRECT: bool;

    /// Where its memory is now.
    ///
    /// # Safety
    ///
    /// As for [`Storage::raw`].
    #[doc(hidden)]
    unsafe fn capture(this: *mut Self) -> Captured;
}

mod sealed {
    pub trait Sealed {}

    impl<S: super::Storage> Sealed for S {}

    impl<T: super::Element> Sealed for super::Rows<T> {}
}

/// Where the memory of a storage is.
#[derive(Debug, Clone, Copy)]
pub struct Captured {
    /// The elements; or, where rows are allocated one by one, the pointers to them.
    pub(crate) data: NonNull<u8>,
    /// How many elements or rows there are.
    pub(crate) len: usize,
    /// How many elements a row has; 0 where there are no rows.
    pub(crate) row_len: usize,
}

impl<S: Storage> Exportable for S {
    type Element = <S as Storage>::Element;

    const INDIRECT: bool = false;

    unsafe fn capture(this: *mut Self) -> Captured {
        // SAFETY: as the caller vouches.
        let (data, len) = unsafe { S::raw(this) };
        Captured { data: data.cast(), len, row_len: 0 }
    }
}

impl<T: Element> Exportable for Rows<T> {
    type Element = T;

    const INDIRECT: bool = true;

    unsafe fn capture(this: *mut Self) -> Captured {
        // SAFETY: the caller vouches for valid rows that nobody else refers to. No element is referred to.
        let rows = unsafe { &mut *this };
        rows.capture()
    }
}

// SAFETY: a Vec owns one allocation of initialised elements (1, 2, 5) and drops on any thread since T: Send (6);
// `as_mut_ptr` makes no slice, does not unwind, and answers the same until the Vec is changed (3, 4).
unsafe impl<T: Element> Storage for Vec<T> {
    type Element = T;

    unsafe fn raw(this: *mut Self) -> (NonNull<T>, usize) {
        // SAFETY: the caller vouches for a valid Vec that nobody else refers to. The elements are not referred to.
        let vec = unsafe { &mut *this };
        let len = vec.len();
        // SAFETY: the pointer of a Vec is never null.
        (unsafe { NonNull::new_unchecked(vec.as_mut_ptr()) }, len)
    }
}

// SAFETY: as for Vec; the slice is only ever a raw one (3).
unsafe impl<T: Element> Storage for Box<[T]> {
    type Element = T;

    unsafe fn raw(this: *mut Self) -> (NonNull<T>, usize) {
        // SAFETY: the caller vouches for a valid Box that nobody else refers to; `&raw` refers to no element.
        let slice: *mut [T] = unsafe { &raw mut **this };
        // SAFETY: the pointer of a Box is never null.
        (unsafe { NonNull::new_unchecked(slice.cast::<T>()) }, slice.len())
    }
}

// SAFETY: the elements lie in the storage itself, which stays where it is until it is moved or dropped (1, 2, 5); a cast
// makes no reference and cannot fail (3, 4), and T: Send (6).
unsafe impl<T: Element, const N: usize> Storage for [T; N] {
    type Element = T;

    unsafe fn raw(this: *mut Self) -> (NonNull<T>, usize) {
        // SAFETY: the caller vouches for a valid array, whose address is not null.
        (unsafe { NonNull::new_unchecked(this.cast::<T>()) }, N)
    }
}
