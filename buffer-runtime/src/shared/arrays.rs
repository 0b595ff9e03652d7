//! Work on elements that lie one after the other, a small array at a time.
//!
//! What is copied to a chunk is stored once more on its way to the work, and loaded once more on its way back. Arrays whose
//! length the compiler knows it keeps in registers, where `vector` loads them: so a loop over shared memory costs what one
//! over a slice does. Each loop is written once, here, and told how to load and store.

use std::mem::MaybeUninit;
use std::slice;

use super::run::Run;
use super::unit::{copy_in, copy_out};
#[cfg(all(target_arch = "x86_64", not(miri)))]
use super::vector;
use crate::element::Element;

/// What is updated at a time: four vectors, as aligned as any element that fits them.
#[repr(align(128))]
pub(super) struct Group([MaybeUninit<u8>; 128]);

impl Group {
    fn uninit() -> Self {
        Self([MaybeUninit::uninit(); size_of::<Self>()])
    }

    /// How many elements it has, if that is a whole number.
    const fn len_of<T>() -> usize {
        size_of::<Self>() / size_of::<T>()
    }

    /// # Safety
    ///
    /// Its first `count` elements are initialised. They are no more than it has room for, and no larger than it is.
    unsafe fn items<T>(&mut self, count: usize) -> &mut [T] {
        // SAFETY: as the caller vouches, and what fits a group is no more aligned than it.
        unsafe { slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), count) }
    }
}

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

/// What [`fold`] does.
///
/// # Safety
///
/// As for [`fold`]; and `load` copies an array from shared to local memory, initialising it.
#[inline(always)]
pub(super) unsafe fn fold_by<T: Element, A, const N: usize>(
    run: &Run<T>,
    init: A,
    pad: T,
    mut fold: impl FnMut(A, [T; N]) -> A,
    load: impl Fn(*mut T, *mut [T; N]),
) -> A {
    let (mut at, mut folded) = (run.first, init);
    for _ in 0..run.count / N {
        // SAFETY: there are `N` elements from here on, as the caller vouches for them.
        folded = fold(folded, unsafe { loaded(at, &load) });
        at = at.wrapping_add(N);
    }
    match run.count % N {
        0 => folded,
        // SAFETY: so many elements are left, fewer than `N`.
        rest => fold(folded, unsafe { padded(at, rest, pad) }),
    }
}

/// What [`fold_with`] does.
///
/// # Safety
///
/// As for [`fold_by`], for both runs.
#[inline(always)]
pub(super) unsafe fn fold_with_by<T: Element, U: Element, A, const N: usize>(
    (run, other): (&Run<T>, &Run<U>),
    init: A,
    pads: (T, U),
    mut fold: impl FnMut(A, [T; N], [U; N]) -> A,
    load: impl Fn(*mut T, *mut [T; N]),
    load_other: impl Fn(*mut U, *mut [U; N]),
) -> A {
    let (mut at, mut other_at, mut folded) = (run.first, other.first, init);
    let count = run.count.min(other.count);
    for _ in 0..count / N {
        // SAFETY: there are `N` elements from here on, as the caller vouches for them.
        let array = unsafe { loaded(at, &load) };
        // SAFETY: as above.
        let other = unsafe { loaded(other_at, &load_other) };
        folded = fold(folded, array, other);
        (at, other_at) = (at.wrapping_add(N), other_at.wrapping_add(N));
    }
    let rest = count % N;
    if rest == 0 {
        return folded;
    }
    // SAFETY: so many elements are left, fewer than `N`.
    let array = unsafe { padded(at, rest, pads.0) };
    // SAFETY: as above.
    let other = unsafe { padded(other_at, rest, pads.1) };
    fold(folded, array, other)
}

/// What [`update`] does.
///
/// # Safety
///
/// As for [`update`]; `load` copies a group from shared to local memory, initialising it, and `store` copies it back.
#[inline(always)]
pub(super) unsafe fn update_by<T: Element>(
    run: &Run<T>,
    mut change: impl FnMut(T) -> T,
    load: impl Fn(*mut T, *mut Group),
    store: impl Fn(*const Group, *mut T),
) {
    let mut at = run.first;
    for _ in 0..run.count / Group::len_of::<T>() {
        // Made anew each time: so the compiler sees that none of it is seen outside.
        let mut group = Group::uninit();
        load(at, &raw mut group);
        // SAFETY: so many elements were just loaded from valid ones (invariant 3 of `shared`).
        let items = unsafe { group.items(Group::len_of::<T>()) };
        items.iter_mut().for_each(|item| *item = change(*item));
        store(&raw const group, at);
        at = at.wrapping_add(Group::len_of::<T>());
    }
    let rest = run.count % Group::len_of::<T>();
    let mut group = Group::uninit();
    // SAFETY: so many elements are left, fewer than in a group.
    unsafe { copy_out(at, group.0.as_mut_ptr().cast(), rest) };
    // SAFETY: they were just loaded.
    let items = unsafe { group.items(rest) };
    items.iter_mut().for_each(|item| *item = change(*item));
    // SAFETY: these go where they came from, and the caller says that they may be written.
    unsafe { copy_in(items.as_ptr(), at, rest) };
}

/// The array at an address.
///
/// # Safety
///
/// There are `N` elements; `load` copies them.
#[inline(always)]
unsafe fn loaded<T: Element, const N: usize>(at: *mut T, load: impl Fn(*mut T, *mut [T; N])) -> [T; N] {
    let mut array = MaybeUninit::uninit();
    load(at, array.as_mut_ptr());
    // SAFETY: it was just loaded from valid elements (invariant 3 of `shared`).
    unsafe { array.assume_init() }
}

/// The last few elements, and copies of `pad` to fill up the array.
///
/// # Safety
///
/// There are so many elements, no more than `N`.
#[inline(always)]
unsafe fn padded<T: Element, const N: usize>(at: *mut T, count: usize, pad: T) -> [T; N] {
    let mut array = [pad; N];
    // SAFETY: as the caller vouches.
    unsafe { copy_out(at, array.as_mut_ptr(), count) };
    array
}
