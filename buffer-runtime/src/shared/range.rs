//! A part of shared memory, as a handle of its own.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Bound, Deref, RangeBounds};

use super::{Shared, SharedRead};
use crate::element::Element;

/// Consecutive elements of a [`Shared`], which [`Shared::range`] returns. It has all methods of a [`Shared`].
pub struct SharedRange<'a, T> {
    elements: Shared<T>,
    whole: PhantomData<&'a Shared<T>>,
}

/// Consecutive elements of a [`SharedRead`], which [`SharedRead::range`] returns. It has all methods of a
/// [`SharedRead`].
pub struct SharedReadRange<'a, T> {
    elements: SharedRead<T>,
    whole: PhantomData<&'a SharedRead<T>>,
}

impl<T: Element> Shared<T> {
    /// The elements of a range, as a handle of their own: to read and write one row of a matrix in bulk, for example.
    ///
    /// ```
    /// # use buffer_runtime::Shared;
    /// /// Adds each row of a matrix to the row below it, which sees the sums above.
    /// fn accumulate(items: &Shared<f64>, columns: usize) {
    ///     let mut above = vec![0.0; columns];
    ///     for start in (0..items.len()).step_by(columns) {
    ///         let row = items.range(start..start + columns);
    ///         let mut sums = above.iter();
    ///         row.update(|item| item + sums.next().unwrap());
    ///         row.copy_to_slice(&mut above);
    ///     }
    /// }
    /// ```
    ///
    /// # Panics
    ///
    /// When the range ends before it begins, or after `len()`.
    #[track_caller]
    pub fn range(&self, range: impl RangeBounds<usize>) -> SharedRange<'_, T> {
        let (start, len) = within(range, self.len());
        // SAFETY: `within` has checked that these are elements of `self`, which outlives the range. Whoever made `self`
        // vouched for them.
        let elements = unsafe { Self::new(self.as_ptr().wrapping_add(start), len) };
        SharedRange { elements, whole: PhantomData }
    }
}

impl<T: Element> SharedRead<T> {
    /// The elements of a range, as a handle of their own.
    ///
    /// ```
    /// # use buffer_runtime::SharedRead;
    /// fn sum_of_row(items: &SharedRead<f64>, columns: usize, row: usize) -> f64 {
    ///     items.range(row * columns..(row + 1) * columns).iter().sum()
    /// }
    /// ```
    ///
    /// # Panics
    ///
    /// When the range ends before it begins, or after `len()`.
    #[track_caller]
    pub fn range(&self, range: impl RangeBounds<usize>) -> SharedReadRange<'_, T> {
        let (start, len) = within(range, self.len());
        // SAFETY: as in `Shared::range`.
        let elements = unsafe { Self::new(self.data().wrapping_add(start), len) };
        SharedReadRange { elements, whole: PhantomData }
    }
}

/// The start and the length of a range of `len` elements.
#[track_caller]
fn within(range: impl RangeBounds<usize>, len: usize) -> (usize, usize) {
    let start = match range.start_bound() {
        Bound::Included(&start) => Some(start),
        Bound::Excluded(&before) => before.checked_add(1),
        Bound::Unbounded => Some(0),
    };
    let end = match range.end_bound() {
        Bound::Included(&last) => last.checked_add(1),
        Bound::Excluded(&end) => Some(end),
        Bound::Unbounded => Some(len),
    };
    match (start, end) {
        (Some(start), Some(end)) if start <= end && end <= len => (start, end - start),
        _ => {
            panic!("the range {:?} is not within a buffer of {len} elements", (range.start_bound(), range.end_bound()))
        }
    }
}

impl<T> Deref for SharedRange<'_, T> {
    type Target = Shared<T>;

    fn deref(&self) -> &Shared<T> {
        &self.elements
    }
}

impl<T> Deref for SharedReadRange<'_, T> {
    type Target = SharedRead<T>;

    fn deref(&self) -> &SharedRead<T> {
        &self.elements
    }
}

impl<T: Element> fmt::Debug for SharedRange<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedRange").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl<T: Element> fmt::Debug for SharedReadRange<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedReadRange").field("len", &self.len()).finish_non_exhaustive()
    }
}
