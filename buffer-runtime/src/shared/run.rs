//! Runs of items at a constant distance. A layout with any strides consists of such runs.

use std::mem::MaybeUninit;
use std::slice;

use super::chunk;
use super::unit::{copy_in, copy_in_strided, copy_out, copy_out_strided, pairs, store_changed};
use crate::element::Element;

/// `count` elements of shared memory, each `stride` bytes behind the one before.
///
/// Addresses are computed with wrapping arithmetic, since Rust does not know the bounds of foreign allocations. The
/// creator of the run guarantees that the addresses are valid.
pub(crate) struct Run<T> {
    pub(crate) first: *mut T,
    pub(crate) stride: isize,
    pub(crate) count: usize,
}

impl<T: Element> Run<T> {
    /// Whether the elements are contiguous.
    #[inline(always)]
    pub(super) fn is_dense(&self) -> bool {
        self.stride == size_of::<T>().cast_signed() || self.count == 1
    }

    /// Loads the first element.
    ///
    /// # Safety
    ///
    /// There is an element, aligned and valid for reads. Other Rust code accesses it only as `access` does; foreign
    /// code may also access it.
    #[inline(always)]
    pub(crate) unsafe fn load_first(&self) -> T {
        let mut value = MaybeUninit::uninit();
        // SAFETY: the caller vouches for the element, and `value` has room for one.
        unsafe { copy_out(self.first, value.as_mut_ptr(), 1) };
        // SAFETY: every unit of `value` was loaded from a valid element (invariant 3 of `shared`). The units may be
        // from different elements; such a mixture is valid (Element, clause 3).
        unsafe { value.assume_init() }
    }

    /// Loads all elements into local memory, which has room for them.
    ///
    /// # Safety
    ///
    /// As for [`load_first`](Self::load_first), for all elements; and `local` is aligned, has room for `count`
    /// elements, and no other code uses it.
    #[inline]
    pub(crate) unsafe fn copy_out(&self, local: *mut T) {
        if self.is_dense() {
            // SAFETY: the caller vouches for this.
            unsafe { copy_out(self.first, local, self.count) };
        } else {
            // SAFETY: as above.
            unsafe { copy_out_strided(self.first, self.stride, local, self.count) };
        }
    }

    /// Stores all elements from local memory.
    ///
    /// # Safety
    ///
    /// As for [`copy_out`](Self::copy_out); the shared elements may be written, and the local ones are initialised.
    #[inline]
    pub(crate) unsafe fn copy_in(&self, local: *const T) {
        if self.is_dense() {
            // SAFETY: the caller vouches for this.
            unsafe { copy_in(local, self.first, self.count) };
        } else {
            // SAFETY: as above.
            unsafe { copy_in_strided(local, self.first, self.stride, self.count) };
        }
    }

    /// Stores those units of `after` that differ from `before`.
    ///
    /// # Safety
    ///
    /// As for [`copy_in`](Self::copy_in), for both `before` and `after`.
    #[inline(always)]
    pub(crate) unsafe fn store_changed(&self, before: *const T, after: *const T) {
        if self.is_dense() {
            // SAFETY: the caller vouches for this.
            unsafe { store_changed(before, after, self.first, self.count) };
        } else {
            let mut before = before;
            pairs(self.first, self.stride, after.cast_mut(), self.count, |shared, after| {
                // SAFETY: the caller vouches for each element.
                unsafe { store_changed(before, after, shared, 1) };
                before = before.wrapping_add(1);
            });
        }
    }
}

impl<T> Clone for Run<T> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

/// A sequence of elements, in runs.
///
/// # Safety
///
/// 1. The elements of each run are initialised, aligned and valid for reads. Other Rust code accesses them only as
///    `access` does; foreign code may also access them.
/// 2. `peek` returns a run of 1 to `left()` elements, or `None` if no elements are left. After `skip` of at most that
///    many, it returns the elements that follow.
/// 3. A clone returns the same runs.
pub(crate) unsafe trait Runs<T: Element>: Clone {
    /// How many elements are left.
    fn left(&self) -> usize;

    /// The next run, without skipping it.
    fn peek(&self) -> Option<Run<T>>;

    /// Skips the next `count` elements, at most as many as `peek` returns.
    fn skip(&mut self, count: usize);

    /// Returns and skips the next run, at most `most` elements of it. `most` is not 0.
    #[inline]
    fn next_run(&mut self, most: usize) -> Option<Run<T>> {
        let mut run = self.peek()?;
        run.count = run.count.min(most);
        self.skip(run.count);
        Some(run)
    }
}

/// Contiguous elements.
pub(super) struct Dense<T> {
    next: *mut T,
    left: usize,
}

impl<T: Element> Dense<T> {
    /// # Safety
    ///
    /// There are `len` elements from `first` on, which satisfy clause 1 of [`Runs`].
    pub(super) unsafe fn new(first: *mut T, len: usize) -> Self {
        Self { next: first, left: len }
    }
}

impl<T> Clone for Dense<T> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

// SAFETY: the caller of `new` vouches for clause 1. Clauses 2 and 3: `skip` moves `next` and `left` together, `peek`
// returns exactly the elements that are left, and a clone copies both fields.
unsafe impl<T: Element> Runs<T> for Dense<T> {
    fn left(&self) -> usize {
        self.left
    }

    #[inline]
    fn peek(&self) -> Option<Run<T>> {
        let run = Run { first: self.next, stride: size_of::<T>().cast_signed(), count: self.left };
        (self.left > 0).then_some(run)
    }

    #[inline]
    fn skip(&mut self, count: usize) {
        self.next = self.next.wrapping_add(count);
        self.left -= count;
    }
}

/// Calls `each` with the next `count` elements, run by run, and with the number of elements before each run.
#[inline]
pub(super) fn take<T: Element>(runs: &mut impl Runs<T>, count: usize, mut each: impl FnMut(Run<T>, usize)) {
    let mut done = 0;
    while done < count
        && let Some(run) = runs.next_run(count - done)
    {
        let len = run.count;
        each(run, done);
        done += len;
    }
}

/// Loads the next `count` elements into local memory.
///
/// # Safety
///
/// At least `count` elements are left. `local` is aligned, has room for them, and no other code uses it.
pub(crate) unsafe fn load<T: Element>(runs: &mut impl Runs<T>, local: *mut T, count: usize) {
    // SAFETY: clause 1 applies to the run, and `local` has room for it behind the `done` elements before it.
    take(runs, count, |run, done| unsafe { run.copy_out(local.wrapping_add(done)) });
}

/// Stores the next elements from a slice.
///
/// # Safety
///
/// At least as many elements are left as the slice has, and they may be written.
pub(crate) unsafe fn store<T: Element>(runs: &mut impl Runs<T>, source: &[T]) {
    let local = source.as_ptr();
    // SAFETY: clause 1 applies to the run, and the caller guarantees that it may be written. The slice has as many
    // initialised elements from `done` on.
    take(runs, source.len(), |run, done| unsafe { run.copy_in(local.wrapping_add(done)) });
}

/// Stores one value in all elements that are left.
///
/// # Safety
///
/// The elements may be written.
pub(crate) unsafe fn fill<T: Element>(runs: &mut impl Runs<T>, value: T) {
    chunk::with_one(|local: *mut T, room| {
        let copies = room.min(runs.left());
        for index in 0..copies {
            // SAFETY: the chunk has room for more than `index` elements.
            unsafe { local.wrapping_add(index).write(value) };
        }
        // SAFETY: `copies` elements were just initialised there, and no other code uses them.
        let copies = unsafe { slice::from_raw_parts(local, copies) };
        while runs.left() > 0 {
            // SAFETY: no more elements are stored than are left, and the caller guarantees that they may be written.
            unsafe { store(runs, &copies[..copies.len().min(runs.left())]) };
        }
    });
}
