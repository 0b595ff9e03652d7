//! Items at one distance from each other: what a layout of any strides is made of.

use std::mem::MaybeUninit;
use std::slice;

use super::chunk;
use super::unit::{copy_in, copy_out, store_changed};
use crate::element::Element;

/// So many elements of shared memory, of which each is `stride` bytes behind the one before.
///
/// Addresses are computed without regard to allocations, since the memory is foreign; they are used as its maker vouches.
pub(crate) struct Run<T> {
    pub(crate) first: *mut T,
    pub(crate) stride: isize,
    pub(crate) count: usize,
}

impl<T: Element> Run<T> {
    /// Whether the elements lie one after the other.
    #[inline(always)]
    pub(super) fn is_dense(&self) -> bool {
        self.stride == size_of::<T>().cast_signed() || self.count == 1
    }

    /// Calls `each` with every element's address, and that of its place in local memory.
    #[inline(always)]
    fn pairs(&self, local: *mut T, mut each: impl FnMut(*mut T, *mut T)) {
        let (mut shared, mut local) = (self.first, local);
        for _ in 0..self.count {
            each(shared, local);
            shared = shared.wrapping_byte_offset(self.stride);
            local = local.wrapping_add(1);
        }
    }

    /// Loads the first element.
    ///
    /// # Safety
    ///
    /// There is one, aligned and valid for reads, and others access it as `access` does, or foreign code.
    #[inline(always)]
    pub(crate) unsafe fn load_first(&self) -> T {
        let mut value = MaybeUninit::uninit();
        // SAFETY: the caller vouches for the element, and a local has room for one.
        unsafe { copy_out(self.first, value.as_mut_ptr(), 1) };
        // SAFETY: every unit of it was loaded from a valid element (invariant 3 of `shared`), if not all from the same one, and
        // such a mixture is valid (Element, clause 3).
        unsafe { value.assume_init() }
    }

    /// Loads all elements into local memory, which has room for them.
    ///
    /// # Safety
    ///
    /// As for [`load_first`](Self::load_first), for all of them; and `local` is aligned, has room for so many, and is
    /// nobody else's.
    #[inline]
    pub(crate) unsafe fn copy_out(&self, local: *mut T) {
        if self.is_dense() {
            // SAFETY: as the caller vouches.
            unsafe { copy_out(self.first, local, self.count) };
        } else {
            // SAFETY: as the caller vouches for each element, and its place.
            self.pairs(local, |shared, local| unsafe { copy_out(shared, local, 1) });
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
            // SAFETY: as the caller vouches.
            unsafe { copy_in(local, self.first, self.count) };
        } else {
            // SAFETY: as the caller vouches for each element.
            self.pairs(local.cast_mut(), |shared, local| unsafe { copy_in(local, shared, 1) });
        }
    }

    /// Stores those units of `after` that differ from `before`.
    ///
    /// # Safety
    ///
    /// As for [`copy_in`](Self::copy_in), for `before` as for `after`.
    #[inline(always)]
    pub(crate) unsafe fn store_changed(&self, before: *const T, after: *const T) {
        if self.is_dense() {
            // SAFETY: as the caller vouches.
            unsafe { store_changed(before, after, self.first, self.count) };
        } else {
            let mut before = before;
            self.pairs(after.cast_mut(), |shared, after| {
                // SAFETY: as the caller vouches for each element.
                unsafe { store_changed(before, after, shared, 1) };
                before = before.wrapping_add(1);
            });
        }
    }
}

/// Elements in runs, in an order of their own.
///
/// # Safety
///
/// 1. The elements of each run are initialised, aligned and valid for reads, and others access them as `access` does or
///    foreign code.
/// 2. `peek` answers 1 to `left()` elements, and `None` where none are left. After `skip` of so many or fewer, it answers those
///    that come next.
/// 3. A clone answers the same.
pub(crate) unsafe trait Runs<T: Element>: Clone {
    /// How many elements are still to come.
    fn left(&self) -> usize;

    /// The next ones, without going on to them.
    fn peek(&self) -> Option<Run<T>>;

    /// Goes on behind the next elements, not more than `peek` answers.
    fn skip(&mut self, count: usize);

    /// The next ones, at most `most`, which is not 0.
    #[inline]
    fn next_run(&mut self, most: usize) -> Option<Run<T>> {
        let mut run = self.peek()?;
        run.count = run.count.min(most);
        self.skip(run.count);
        Some(run)
    }
}

/// Elements one after the other.
pub(super) struct Dense<T> {
    next: *mut T,
    left: usize,
}

impl<T: Element> Dense<T> {
    /// # Safety
    ///
    /// There are so many elements, as clause 1 of [`Runs`] wants them.
    pub(super) unsafe fn new(first: *mut T, len: usize) -> Self {
        Self { next: first, left: len }
    }
}

impl<T> Clone for Dense<T> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

// SAFETY: whoever made it vouches for clause 1, and the rest is seen here.
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

/// Calls `each` with the next `count` elements in runs, and how many came before each run.
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
/// So many are left. `local` is aligned, has room for them, and is nobody else's.
pub(crate) unsafe fn load<T: Element>(runs: &mut impl Runs<T>, local: *mut T, count: usize) {
    // SAFETY: clause 1 for the run, and there is room for it behind the elements that came before.
    take(runs, count, |run, done| unsafe { run.copy_out(local.wrapping_add(done)) });
}

/// Stores the next elements from a slice.
///
/// # Safety
///
/// As many are left as the slice has, and they may be written.
pub(crate) unsafe fn store<T: Element>(runs: &mut impl Runs<T>, source: &[T]) {
    let local = source.as_ptr();
    // SAFETY: clause 1 for the run, which the caller says may be written; the slice has as many initialised elements.
    take(runs, source.len(), |run, done| unsafe { run.copy_in(local.wrapping_add(done)) });
}

/// Stores one value in all elements that are left.
///
/// # Safety
///
/// They may be written.
pub(crate) unsafe fn fill<T: Element>(runs: &mut impl Runs<T>, value: T) {
    chunk::with_one(|local: *mut T, room| {
        let copies = room.min(runs.left());
        for index in 0..copies {
            // SAFETY: the chunk has room for more than `index` elements.
            unsafe { local.wrapping_add(index).write(value) };
        }
        // SAFETY: so many elements were just initialised there, and nobody else uses them.
        let copies = unsafe { slice::from_raw_parts(local, copies) };
        while runs.left() > 0 {
            // SAFETY: so many are left, and the caller vouches that they may be written.
            unsafe { store(runs, &copies[..copies.len().min(runs.left())]) };
        }
    });
}
