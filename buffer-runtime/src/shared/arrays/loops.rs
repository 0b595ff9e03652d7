//! The loops over arrays. Each is written once, with the load and the store as parameters.

use std::mem::MaybeUninit;
use std::slice;

use super::super::run::Run;
#[cfg(all(target_arch = "x86_64", not(miri)))]
use super::super::unit;
use super::super::unit::{copy_in, copy_out};
use crate::element::Element;

/// The elements that are updated at a time: four vectors, aligned for any element that fits in them.
#[derive(Clone, Copy)]
#[repr(align(128))]
pub(crate) struct Group([MaybeUninit<u8>; 128]);

impl Group {
    fn uninit() -> Self {
        Self([MaybeUninit::uninit(); size_of::<Self>()])
    }

    /// How many elements a group has. Meaningful only if the size of `T` divides that of a group.
    pub(crate) const fn len_of<T>() -> usize {
        size_of::<Self>() / size_of::<T>()
    }

    /// # Safety
    ///
    /// The first `count` elements of the group are initialised. The group has room for them, and `T` is no larger than
    /// the group.
    unsafe fn items<T>(&mut self, count: usize) -> &mut [T] {
        // SAFETY: the caller vouches for the elements. A `T` that fits in a group has no larger alignment than the
        // group.
        unsafe { slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), count) }
    }
}

/// The loop of [`fold`](super::fold).
///
/// # Safety
///
/// As for [`fold`](super::fold); and `load` copies an array from shared to local memory, which initialises the local
/// array.
#[inline(always)]
pub(crate) unsafe fn fold_by<T: Element, A, const N: usize>(
    run: &Run<T>,
    init: A,
    pad: T,
    mut fold: impl FnMut(A, [T; N]) -> A,
    load: impl Fn(*mut T, *mut [T; N]),
) -> A {
    let (mut at, mut folded) = (run.first, init);
    for _ in 0..run.count / N {
        // SAFETY: there are `N` elements from here on, for which the caller vouches.
        folded = fold(folded, unsafe { loaded(at, &load) });
        at = at.wrapping_add(N);
    }
    match run.count % N {
        0 => folded,
        // SAFETY: `rest` elements are left, fewer than `N`.
        rest => fold(folded, unsafe { padded(at, rest, pad) }),
    }
}

/// The loop of [`fold_with`](super::fold_with).
///
/// # Safety
///
/// As for [`fold_by`], for both runs.
#[inline(always)]
pub(crate) unsafe fn fold_with_by<T: Element, U: Element, A, const N: usize>(
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
        // SAFETY: there are `N` elements from here on, for which the caller vouches.
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
    // SAFETY: `rest` elements are left, fewer than `N`.
    let array = unsafe { padded(at, rest, pads.0) };
    // SAFETY: as above.
    let other = unsafe { padded(other_at, rest, pads.1) };
    fold(folded, array, other)
}

/// The loop of [`update`](super::update).
///
/// # Safety
///
/// As for [`update`](super::update); `load` copies a group from shared to local memory, which initialises the local
/// group, and `store` copies it back.
#[inline(always)]
pub(crate) unsafe fn update_by<T: Element>(
    run: &Run<T>,
    mut change: impl FnMut(T) -> T,
    load: impl Fn(*mut T, *mut Group),
    store: impl Fn(*const Group, *mut T),
) {
    let mut at = run.first;
    for _ in 0..run.count / Group::len_of::<T>() {
        // A new group in each iteration, so that the compiler sees that no other code can observe it.
        let mut group = Group::uninit();
        load(at, &raw mut group);
        // SAFETY: a whole group was just loaded from valid elements (invariant 3 of `shared`).
        let items = unsafe { group.items(Group::len_of::<T>()) };
        items.iter_mut().for_each(|item| *item = change(*item));
        store(&raw const group, at);
        at = at.wrapping_add(Group::len_of::<T>());
    }
    let rest = run.count % Group::len_of::<T>();
    let mut group = Group::uninit();
    // SAFETY: `rest` elements are left, fewer than in a group.
    unsafe { copy_out(at, group.0.as_mut_ptr().cast(), rest) };
    // SAFETY: they were just loaded.
    let items = unsafe { group.items(rest) };
    items.iter_mut().for_each(|item| *item = change(*item));
    // SAFETY: the elements are stored at the place that they were loaded from, which the caller guarantees may be
    // written.
    unsafe { copy_in(items.as_ptr(), at, rest) };
}

/// The loop of [`change`](super::change).
///
/// # Safety
///
/// As for [`change`](super::change); `load` copies a group from shared to local memory, which initialises the local
/// group, and `store_changed` stores those units of the second group that differ from the first.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
pub(crate) unsafe fn change_by<T: Element>(
    run: &Run<T>,
    mut change: impl FnMut(&mut [T]),
    load: impl Fn(*mut T, *mut Group),
    store_changed: impl Fn(&Group, &Group, *mut T),
) {
    let mut at = run.first;
    for _ in 0..run.count / Group::len_of::<T>() {
        // New groups in each iteration, so that the compiler sees that no other code can observe them.
        let mut before = Group::uninit();
        load(at, &raw mut before);
        let mut after = before;
        // SAFETY: a whole group was just loaded from valid elements (invariant 3 of `shared`), and then copied.
        change(unsafe { after.items(Group::len_of::<T>()) });
        store_changed(&before, &after, at);
        at = at.wrapping_add(Group::len_of::<T>());
    }
    let rest = run.count % Group::len_of::<T>();
    if rest == 0 {
        return;
    }
    let mut before = Group::uninit();
    // SAFETY: `rest` elements are left, fewer than in a group.
    unsafe { copy_out(at, before.0.as_mut_ptr().cast(), rest) };
    let mut after = before;
    // SAFETY: they were just loaded, and then copied.
    change(unsafe { after.items(rest) });
    // SAFETY: both groups have `rest` initialised elements, and those at `at` may be written.
    unsafe { unit::store_changed(before.0.as_ptr().cast(), after.0.as_ptr().cast(), at, rest) };
}

/// The array at an address.
///
/// # Safety
///
/// There are `N` elements at the address, and `load` copies them.
#[inline(always)]
unsafe fn loaded<T: Element, const N: usize>(at: *mut T, load: impl Fn(*mut T, *mut [T; N])) -> [T; N] {
    let mut array = MaybeUninit::uninit();
    load(at, array.as_mut_ptr());
    // SAFETY: it was just loaded from valid elements (invariant 3 of `shared`).
    unsafe { array.assume_init() }
}

/// The last `count` elements, with copies of `pad` to fill up the array.
///
/// # Safety
///
/// There are `count` elements, at most `N`.
#[inline(always)]
unsafe fn padded<T: Element, const N: usize>(at: *mut T, count: usize, pad: T) -> [T; N] {
    let mut array = [pad; N];
    // SAFETY: the caller vouches for this.
    unsafe { copy_out(at, array.as_mut_ptr(), count) };
    array
}
