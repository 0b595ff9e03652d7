//! The loops over arrays, each written once, and told how to load and store.

use std::mem::MaybeUninit;
use std::slice;

use super::super::run::Run;
use super::super::unit::{copy_in, copy_out};
use crate::element::Element;

/// What is updated at a time: four vectors, as aligned as any element that fits them.
#[repr(align(128))]
pub(crate) struct Group([MaybeUninit<u8>; 128]);

impl Group {
    fn uninit() -> Self {
        Self([MaybeUninit::uninit(); size_of::<Self>()])
    }

    /// How many elements it has, if that is a whole number.
    pub(crate) const fn len_of<T>() -> usize {
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

/// What [`fold`](super::fold) does.
///
/// # Safety
///
/// As for [`fold`](super::fold); and `load` copies an array from shared to local memory, initialising it.
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

/// What [`fold_with`](super::fold_with) does.
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

/// What [`update`](super::update) does.
///
/// # Safety
///
/// As for [`update`](super::update); `load` copies a group from shared to local memory, initialising it, and `store` copies it back.
#[inline(always)]
pub(crate) unsafe fn update_by<T: Element>(
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
