//! Rows of elements that are allocated one by one: what PEP 3118 calls an indirect array.
//!
//! Python finds the rows through a table of pointers, as in the images of the Python Imaging Library. The invariants:
//!
//! 1. Each pointer of the table comes from a `Box<[T]>` of `row_len` elements, which the table owns.
//! 2. All access to elements is through the pointers: the only references to a row are those that `row`, `row_mut` and
//!    `iter` return, and they borrow the `Rows`.

use std::collections::TryReserveError;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::{fmt, slice};

use crate::storage::Captured;

/// Equally long rows of elements, each in an allocation of its own.
///
/// An [`ExportCell`](crate::ExportCell) of rows is exported as a buffer of `(rows, row_len, ...)` dimensions with
/// *suboffsets*: consumers follow a pointer to get to a row. So rows can be added, removed, swapped and reused without
/// copying their elements. memoryview supports such buffers, and `bytes(m)` or `memoryview(m).tobytes()` copies them
/// into one piece. numpy refuses them with a `BufferError` (from 1.22 on; older versions read the pointers as items),
/// and consumers that request one piece of memory (`hashlib`, `file.write`) are refused. If those are your consumers,
/// store one `Vec` and declare its shape.
///
/// ```
/// use buffer_runtime::{ExportCell, Rows};
///
/// let mut cell = ExportCell::new(Rows::new(3));
/// let mut rows = cell.get_mut()?;
/// rows.push(vec![1_u8, 2, 3])?;
/// rows.push(vec![4, 5, 6])?;
/// rows.swap(0, 1);
/// assert_eq!(rows.row(0), [4, 5, 6]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Rows<T> {
    table: Vec<NonNull<T>>,
    row_len: usize,
    owns: PhantomData<Box<[T]>>,
}

// SAFETY: it owns its rows, as a `Vec<Box<[T]>>` would.
unsafe impl<T: Send> Send for Rows<T> {}
// SAFETY: as above; `&Rows` gives out shared references only.
unsafe impl<T: Sync> Sync for Rows<T> {}

/// A row is not as long as the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowLengthError {
    expected: usize,
    got: usize,
}

impl fmt::Display for RowLengthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, got } = self;
        write!(f, "the row has {got} elements, but the rows here have {expected}; make all rows equally long")
    }
}

impl std::error::Error for RowLengthError {}

impl<T> Rows<T> {
    /// No rows yet; each will have `row_len` elements.
    #[must_use]
    pub const fn new(row_len: usize) -> Self {
        Self { table: Vec::new(), row_len, owns: PhantomData }
    }

    /// Makes `Rows` from rows that are all equally long. If there are none, `row_len()` is 0.
    ///
    /// # Errors
    ///
    /// A row is not as long as the first one.
    pub fn from_rows<R: Into<Box<[T]>>>(rows: impl IntoIterator<Item = R>) -> Result<Self, RowLengthError> {
        let mut rows = rows.into_iter().map(Into::into).peekable();
        let mut all = Self::new(rows.peek().map_or(0, |row| row.len()));
        rows.try_for_each(|row| all.push(row))?;
        Ok(all)
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// How many elements each row has.
    #[must_use]
    pub fn row_len(&self) -> usize {
        self.row_len
    }

    /// One row.
    ///
    /// # Panics
    ///
    /// When `index` is not less than `len()`.
    #[must_use]
    pub fn row(&self, index: usize) -> &[T] {
        // SAFETY: a row has `row_len` elements, lives, and is not changed while `self` is borrowed (invariants 1 and
        // 2).
        unsafe { slice::from_raw_parts(self.table[index].as_ptr(), self.row_len) }
    }

    /// One row, to change its elements.
    ///
    /// # Panics
    ///
    /// When `index` is not less than `len()`.
    pub fn row_mut(&mut self, index: usize) -> &mut [T] {
        // SAFETY: as in `row`, and `self` is borrowed mutably.
        unsafe { slice::from_raw_parts_mut(self.table[index].as_ptr(), self.row_len) }
    }

    /// The rows, one after the other.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &[T]> + ExactSizeIterator + '_ {
        (0..self.len()).map(|index| self.row(index))
    }

    /// Adds a row at the end.
    ///
    /// # Errors
    ///
    /// The row does not have `row_len()` elements.
    pub fn push(&mut self, row: impl Into<Box<[T]>>) -> Result<(), RowLengthError> {
        self.insert(self.len(), row)
    }

    /// Adds a row before the one at `index`, or at the end.
    ///
    /// # Errors
    ///
    /// The row does not have `row_len()` elements.
    ///
    /// # Panics
    ///
    /// When `index` is greater than `len()`.
    pub fn insert(&mut self, index: usize, row: impl Into<Box<[T]>>) -> Result<(), RowLengthError> {
        let row = row.into();
        if row.len() != self.row_len {
            return Err(RowLengthError { expected: self.row_len, got: row.len() });
        }
        assert!(index <= self.len(), "index {index} is out of range for {} rows", self.len());
        // If `reserve` panics, the row is still a box, and is dropped.
        self.table.reserve(1);
        self.table.insert(index, into_raw(row));
        Ok(())
    }

    /// Removes a row, and returns it.
    ///
    /// # Panics
    ///
    /// When `index` is not less than `len()`.
    pub fn remove(&mut self, index: usize) -> Box<[T]> {
        let row = self.table.remove(index);
        // SAFETY: the table owned the row, and has just removed it (invariant 1).
        unsafe { from_raw(row, self.row_len) }
    }

    /// Replaces a row by another one, and returns the old row.
    ///
    /// # Errors
    ///
    /// The new row does not have `row_len()` elements.
    ///
    /// # Panics
    ///
    /// When `index` is not less than `len()`.
    pub fn replace(&mut self, index: usize, row: impl Into<Box<[T]>>) -> Result<Box<[T]>, RowLengthError> {
        assert!(index < self.len(), "index {index} is out of range for {} rows", self.len());
        self.insert(index, row)?;
        Ok(self.remove(index + 1))
    }

    /// Exchanges two rows; their elements stay where they are.
    ///
    /// # Panics
    ///
    /// When one of the indices is not less than `len()`.
    pub fn swap(&mut self, a: usize, b: usize) {
        self.table.swap(a, b);
    }

    /// Drops all rows but the first `len`.
    pub fn truncate(&mut self, len: usize) {
        while self.len() > len {
            drop(self.remove(self.len() - 1));
        }
    }

    /// Makes room for the pointers to `rows` more rows.
    pub(crate) fn try_reserve(&mut self, rows: usize) -> Result<(), TryReserveError> {
        self.table.try_reserve_exact(rows)
    }

    /// Where the pointers to the rows are.
    pub(crate) fn capture(&mut self) -> Captured {
        let len = self.table.len();
        // SAFETY: the pointer of a Vec is never null.
        let data = unsafe { NonNull::new_unchecked(self.table.as_mut_ptr()) };
        Captured { data: data.cast(), len, row_len: self.row_len }
    }
}

fn into_raw<T>(row: Box<[T]>) -> NonNull<T> {
    let first = Box::into_raw(row).cast::<T>();
    // SAFETY: the pointer of a Box is never null.
    unsafe { NonNull::new_unchecked(first) }
}

/// # Safety
///
/// `row` is what `into_raw` made of a row of `row_len` elements, and is not used afterwards.
unsafe fn from_raw<T>(row: NonNull<T>, row_len: usize) -> Box<[T]> {
    let row = std::ptr::slice_from_raw_parts_mut(row.as_ptr(), row_len);
    // SAFETY: the caller vouches for a row that was a Box.
    unsafe { Box::from_raw(row) }
}

impl<T> Drop for Rows<T> {
    fn drop(&mut self) {
        self.truncate(0);
    }
}

impl<T> From<Rows<T>> for Vec<Box<[T]>> {
    fn from(rows: Rows<T>) -> Self {
        let mut rows = ManuallyDrop::new(rows);
        let table = std::mem::take(&mut rows.table);
        // SAFETY: the table owned each row (invariant 1), and `rows` is not dropped, so nothing else frees the row.
        table.into_iter().map(|row| unsafe { from_raw(row, rows.row_len) }).collect()
    }
}

impl<T: fmt::Debug> fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests;
