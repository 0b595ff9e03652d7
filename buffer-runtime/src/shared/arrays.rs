//! Work on elements that lie one after the other, a small array at a time.
//!
//! What is copied to a chunk is stored once more on its way to the work, and loaded once more on its way back. Arrays whose
//! length the compiler knows it keeps in registers, where `vector` loads them: so a loop over shared memory costs what one
//! over a slice does. Each loop is written once, in `loops`, and told how to load and store.

mod loops;
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod vector;

use self::loops::{Group, fold_by, fold_with_by, update_by};
use super::run::Run;
use super::unit::{copy_in, copy_out};
use crate::element::Element;

/// With fewer bytes in a run, the elements of several runs had better be gathered in a chunk.
const LONG: usize = 8 * size_of::<Group>();

/// Lets `fold` have all elements as arrays, the last one filled up with `pad`.
///
/// # Safety
///
/// The run is dense, and its elements are as [`Runs`](super::run::Runs) has them.
#[inline]
pub(super) unsafe fn fold<T: Element, A, const N: usize>(
    run: &Run<T>,
    init: A,
    pad: T,
    fold: impl FnMut(A, [T; N]) -> A,
) -> A {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if vector::can_hold::<[T; N]>() {
        // SAFETY: as the caller vouches.
        return unsafe { vector::fold(run, init, pad, fold) };
    }
    let load = |from, array: *mut [T; N]| {
        // SAFETY: `fold_by` asks for arrays in the run, as the caller vouches for them, and has room.
        unsafe { copy_out(from, array.cast(), N) };
    };
    // SAFETY: as the caller vouches, and the array is filled.
    unsafe { fold_by(run, init, pad, fold, load) }
}

/// The same for two runs of as many elements.
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
        // SAFETY: as the caller vouches.
        return unsafe { vector::fold_with(runs, init, pads, fold) };
    }
    let load = |from, array: *mut [T; N]| {
        // SAFETY: `fold_with_by` asks for arrays in the run, as the caller vouches for them, and has room.
        unsafe { copy_out(from, array.cast(), N) };
    };
    let load_other = |from, array: *mut [U; N]| {
        // SAFETY: as above.
        unsafe { copy_out(from, array.cast(), N) };
    };
    // SAFETY: as the caller vouches, and both arrays are filled.
    unsafe { fold_with_by(runs, init, pads, fold, load, load_other) }
}

/// Whether [`update`] takes this run.
#[inline]
pub(super) fn suit<T: Element>(run: &Run<T>) -> bool {
    size_of::<Group>().is_multiple_of(size_of::<T>()) && run.is_dense() && run.count >= LONG / size_of::<T>()
}

/// Puts what `change` makes of each element in its place.
///
/// # Safety
///
/// The run is one that [`suit`]s; its elements are as [`Runs`](super::run::Runs) has them, and may be written.
#[inline]
pub(super) unsafe fn update<T: Element>(run: &Run<T>, change: impl FnMut(T) -> T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if vector::can_hold::<Group>() {
        // SAFETY: as the caller vouches.
        return unsafe { vector::update(run, change) };
    }
    let load = |from, group: *mut Group| {
        // SAFETY: `update_by` asks for groups in the run, as the caller vouches for them, and has room.
        unsafe { copy_out(from, group.cast(), Group::len_of::<T>()) };
    };
    let store = |group: *const Group, to| {
        // SAFETY: `update_by` has initialised the group, and it goes where it came from.
        unsafe { copy_in(group.cast(), to, Group::len_of::<T>()) };
    };
    // SAFETY: as the caller vouches, and whole groups are copied.
    unsafe { update_by(run, change, load, store) };
}
