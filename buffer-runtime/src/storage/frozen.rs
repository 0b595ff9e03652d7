//! `Frozen<T>`: a slice, and the owner that keeps it alive.

use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;

use super::{ReadOnly, Storage};
use crate::element::Element;

/// Elements that a value of another type owns or shares, read-only: an `Arc<Table>` with a column inside, a
/// `ScalarBuffer` of Apache Arrow, or anything else that gives out a slice.
///
/// ```
/// use std::sync::Arc;
///
/// use buffer_runtime::{ExportCell, Frozen};
///
/// struct Table {
///     prices: Vec<f64>,
/// }
///
/// /// The column, and what keeps it alive.
/// struct Prices(Arc<Table>);
///
/// impl AsRef<[f64]> for Prices {
///     fn as_ref(&self) -> &[f64] {
///         &self.0.prices
///     }
/// }
///
/// let table = Arc::new(Table { prices: vec![9.5, 12.25] });
/// let cell = ExportCell::new(Frozen::new(Prices(table.clone())));
/// assert_eq!(cell.len(), 2);
/// ```
pub struct Frozen<T> {
    /// The owner's slice, which is borrowed until the owner is dropped.
    slice: NonNull<[T]>,
    /// Never used after construction. Dropped here, and nowhere else.
    owner: NonNull<dyn Send>,
}

/// A box as a raw pointer, so that moving it does not assert unique access to its content.
struct Owner<O: ?Sized>(NonNull<O>);

impl<O: ?Sized> Drop for Owner<O> {
    fn drop(&mut self) {
        // SAFETY: it comes from a Box, and is dropped once.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl<T: Element> Frozen<T> {
    /// Calls `as_ref` of the owner once, and keeps the owner and the slice. In a cell the owner is dropped on the
    /// thread that drops the cell or releases its last view, whichever comes last.
    pub fn new<O: AsRef<[T]> + Send + 'static>(owner: O) -> Self {
        // SAFETY: the pointer of a Box is not null.
        let owner = Owner(unsafe { NonNull::new_unchecked(Box::into_raw(Box::new(owner))) });
        // SAFETY: the owner stays where it is until it is dropped, and there is no other reference to it.
        let borrowed: &O = unsafe { owner.0.as_ref() };
        // If `as_ref` panics, the owner is dropped.
        let slice = NonNull::from(borrowed.as_ref());
        let owner: NonNull<dyn Send> = std::mem::ManuallyDrop::new(owner).0;
        Self { slice, owner }
    }
}

impl<T> Drop for Frozen<T> {
    fn drop(&mut self) {
        drop(Owner(self.owner));
    }
}

// SAFETY: the owner is Send and not used; the elements behind the slice are Send and Sync.
unsafe impl<T: Element> Send for Frozen<T> {}
// SAFETY: as above. `&Frozen` gives no access to the owner.
unsafe impl<T: Element> Sync for Frozen<T> {}

// SAFETY: the slice is borrowed from the owner until the owner is dropped, so it stays unchanged and in place (1, 2,
// 5, 7). The owner is Send (6), and `raw` only reads a field (3, 4).
unsafe impl<T: Element> Storage for Frozen<T> {
    type Element = T;
    type Access = ReadOnly;

    const STABLE: bool = true;

    unsafe fn raw(this: *mut Self) -> (NonNull<T>, usize) {
        // SAFETY: the caller vouches for `this`.
        let slice = unsafe { (*this).slice };
        (slice.cast(), slice.len())
    }
}

impl<T> Deref for Frozen<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the owner gave out this slice, and is not dropped before `self`.
        unsafe { self.slice.as_ref() }
    }
}

impl<T: fmt::Debug> fmt::Debug for Frozen<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
