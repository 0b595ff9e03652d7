//! The guards of cells with rows that are allocated one by one.

use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;
use std::{fmt, slice};

use super::{Header, OwnedShareGuard, ReadGuard, ShareGuard};
use crate::element::Element;
use crate::shared::Shared;
use crate::storage::Rows;

impl<T: Element> ReadGuard<'_, Rows<T>> {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.cell.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many elements each row has.
    pub fn row_len(&self) -> usize {
        // SAFETY: the cell keeps its block alive.
        unsafe { row_len(self.cell.address()) }
    }

    /// One row.
    ///
    /// # Panics
    ///
    /// If `index` is not less than `len()`.
    pub fn row(&self, index: usize) -> &[T] {
        // SAFETY: a read guard is a guard.
        let first = unsafe { first_of_row::<T>(self.cell.header(), index) };
        // SAFETY: a row has `row_len` initialised elements (Rows, invariant 1). They do not move under a guard
        // (invariant 2), and nothing writes them while a read guard is alive (invariant 8).
        unsafe { slice::from_raw_parts(first, self.row_len()) }
    }

    /// The rows, one after the other.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &[T]> + ExactSizeIterator + '_ {
        (0..self.len()).map(|index| self.row(index))
    }
}

macro_rules! share_rows {
    ($guard:ty, $this:ident => $header:expr, $block:expr) => {
        impl<T: Element> $guard {
            /// How many rows there are.
            pub fn len(&self) -> usize {
                let $this = self;
                $header.len()
            }

            /// Whether there are no rows.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// How many elements each row has.
            pub fn row_len(&self) -> usize {
                let $this = self;
                // SAFETY: the guard keeps the block alive.
                unsafe { row_len($block) }
            }

            /// One row.
            ///
            /// # Panics
            ///
            /// If `index` is not less than `len()`.
            pub fn row(&self, index: usize) -> SharedRow<'_, T> {
                let $this = self;
                // SAFETY: the header is that of a share guard, which the row borrows.
                unsafe { shared_row($header, index, $this.row_len()) }
            }

            /// The rows, one after the other.
            pub fn iter(&self) -> impl DoubleEndedIterator<Item = SharedRow<'_, T>> + ExactSizeIterator + '_ {
                (0..self.len()).map(|index| self.row(index))
            }
        }
    };
}

share_rows!(ShareGuard<'_, Rows<T>>, guard => guard.cell.header(), guard.cell.address());
share_rows!(OwnedShareGuard<Rows<T>>, guard => guard.header(), guard.address());

/// # Safety
///
/// The header is that of a cell of `Rows<T>`, under a share guard that is borrowed for `'a`; its rows have `row_len`
/// elements.
unsafe fn shared_row<'a, T: Element>(header: &Header, index: usize, row_len: usize) -> SharedRow<'a, T> {
    // SAFETY: a share guard is a guard.
    let first = unsafe { first_of_row::<T>(header, index) };
    // SAFETY: a row has `row_len` initialised elements (Rows, invariant 1). They do not move under a guard (invariant
    // 2), and no reference to them exists while a share guard is alive (invariant 8). The row borrows the guard.
    let elements = unsafe { Shared::new(first, row_len) };
    SharedRow { elements, guard: PhantomData }
}

/// One row of a cell of [`Rows`], for access beside others that read and write it. See [`Shared`].
pub struct SharedRow<'a, T> {
    elements: Shared<T>,
    guard: PhantomData<&'a T>,
}

impl<T: Element> Deref for SharedRow<'_, T> {
    type Target = Shared<T>;

    fn deref(&self) -> &Shared<T> {
        &self.elements
    }
}

impl<T: Element> fmt::Debug for SharedRow<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// # Safety
///
/// The block is alive.
unsafe fn row_len(block: NonNull<Header>) -> usize {
    // SAFETY: as the caller vouches.
    unsafe { Header::memory(block) }.row_len.unwrap_or(0)
}

/// The address of a row's first element.
///
/// # Safety
///
/// The header is that of a cell of `Rows<T>`, under a guard.
unsafe fn first_of_row<T>(header: &Header, index: usize) -> *mut T {
    let rows = header.len();
    assert!(index < rows, "index {index} is out of range for {rows} rows");
    #[expect(clippy::cast_ptr_alignment, reason = "it was captured from a Vec of pointers")]
    let table = header.data().cast::<NonNull<T>>();
    // SAFETY: the captured memory is a table of `rows` pointers, and the index is less than that.
    let entry = unsafe { table.add(index) };
    // SAFETY: the table does not change under a guard (invariant 2); no consumer writes it, because it is not an item
    // of the buffer.
    unsafe { entry.read() }.as_ptr()
}
