//! Work on contiguous elements, a small array at a time.
//!
//! A chunk costs an additional store and load of each element, since it is in memory. An array whose length is known at
//! compile time stays in the registers that `vector` loads it into, so a loop over shared memory costs as much as a
//! loop over a slice. Each loop is written once, in `loops`, with the load and the store as parameters.

mod loops;
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod vector;

use self::loops::{Group, fold_by, fold_with_by, update_by};
use super::run::Run;
use super::unit::{copy_in, copy_out};
use crate::element::Element;

/// Runs of at least this many bytes are processed on their own. For shorter runs it is faster to copy the elements of
/// several runs to one chunk.
const LONG: usize = 8 * size_of::<Group>();

/// Calls `fold` with all elements as arrays, the last one filled up with `pad`.
///
/// # Safety
///
/// The run is dense, and its elements satisfy clause 1 of [`Runs`](super::run::Runs).
#[inline]
pub(super) unsafe fn fold<T: Element, A, const N: usize>(
    run: &Run<T>,
    init: A,
    pad: T,
    fold: impl FnMut(A, [T; N]) -> A,
) -> A {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if vector::can_hold::<[T; N]>() {
        // SAFETY: the caller vouches for this.
        return unsafe { vector::fold(run, init, pad, fold) };
    }
    let load = |from, array: *mut [T; N]| {
        // SAFETY: `fold_by` loads arrays inside the run, for which the caller vouches, into a local array.
        unsafe { copy_out(from, array.cast(), N) };
    };
    // SAFETY: the caller vouches for this, and the array is filled.
    unsafe { fold_by(run, init, pad, fold, load) }
}

/// The same for two runs of equal length.
///
/// # Safety
///
/// As for [`fold`], for both.
#[inline]
pub(super) unsafe fn fold_with<T: Element, U: Element, A, const N: usize>(
    runs: (&Run<T>, &Run<U>),
    init: A,
    pads: (T, U),
    fold: impl FnMut(A, [T; N], [U; N]) -> A,
) -> A {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if vector::can_hold::<[T; N]>() && vector::can_hold::<[U; N]>() {
        // SAFETY: the caller vouches for this.
        return unsafe { vector::fold_with(runs, init, pads, fold) };
    }
    let load = |from, array: *mut [T; N]| {
        // SAFETY: `fold_with_by` loads arrays inside the run, for which the caller vouches, into a local array.
        unsafe { copy_out(from, array.cast(), N) };
    };
    let load_other = |from, array: *mut [U; N]| {
        // SAFETY: as above.
        unsafe { copy_out(from, array.cast(), N) };
    };
    // SAFETY: the caller vouches for this, and both arrays are filled.
    unsafe { fold_with_by(runs, init, pads, fold, load, load_other) }
}

/// Whether [`update`] may be called for this run, and is faster than a chunk.
#[inline]
pub(super) fn suit<T: Element>(run: &Run<T>) -> bool {
    size_of::<Group>().is_multiple_of(size_of::<T>()) && run.is_dense() && run.count >= LONG / size_of::<T>()
}

/// Replaces each element by the result of `change`.
///
/// # Safety
///
/// [`suit`] returns `true` for the run; its elements satisfy clause 1 of [`Runs`](super::run::Runs), and may be
/// written.
#[inline]
pub(super) unsafe fn update<T: Element>(run: &Run<T>, change: impl FnMut(T) -> T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if vector::can_hold::<Group>() {
        // SAFETY: the caller vouches for this.
        return unsafe { vector::update(run, change) };
    }
    let load = |from, group: *mut Group| {
        // SAFETY: `update_by` loads groups inside the run, for which the caller vouches, into a local group.
        unsafe { copy_out(from, group.cast(), Group::len_of::<T>()) };
    };
    let store = |group: *const Group, to| {
        // SAFETY: `update_by` has initialised the group, and stores it at the place that it was loaded from.
        unsafe { copy_in(group.cast(), to, Group::len_of::<T>()) };
    };
    // SAFETY: the caller vouches for this, and whole groups are copied.
    unsafe { update_by(run, change, load, store) };
}

/// Whether [`change`] may be called for this run, and is faster than a chunk: its groups stay in registers.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
pub(super) fn can_change<T: Element>(run: &Run<T>) -> bool {
    suit(run) && vector::can_hold::<Group>()
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
#[inline]
pub(super) fn can_change<T: Element>(_run: &Run<T>) -> bool {
    false
}

/// Calls `change` with copies of all elements, a group at a time, and stores the units that it changed.
///
/// # Safety
///
/// [`can_change`] returns `true` for the run; its elements satisfy clause 1 of [`Runs`](super::run::Runs), and may be
/// written.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
pub(super) unsafe fn change<T: Element>(run: &Run<T>, change: impl FnMut(&mut [T])) {
    // SAFETY: the caller vouches for this.
    unsafe { vector::change(run, change) };
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
pub(super) unsafe fn change<T: Element>(_run: &Run<T>, _change: impl FnMut(&mut [T])) {
    unreachable!("`can_change` returned `false`");
}
