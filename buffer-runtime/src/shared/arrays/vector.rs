//! Loads from shared memory to registers and stores back, in vectors of 32 bytes, on processors that have AVX2.
//!
//! The loads and stores are in assembly and act as relaxed atomics of each byte, as those in `block` and for the same
//! reason. The code between them is compiled as usual: the vectors are written to a local array, and the loop reads its
//! elements. If the loop is simple, the compiler keeps the array in registers.

use std::arch::asm;
use std::arch::x86_64::{
    __m256i, _mm256_cmpeq_epi8, _mm256_cmpeq_epi16, _mm256_cmpeq_epi32, _mm256_cmpeq_epi64, _mm256_movemask_epi8,
    _mm256_or_si256, _mm256_testz_si256,
};

use super::super::run::Run;
use super::super::unit;
use super::loops::{self, Group};
use crate::element::Element;

/// Bytes in a vector.
const VECTOR: usize = size_of::<__m256i>();

/// The most vectors that fit in the registers.
const MOST: usize = 16;

/// Whether an `A` consists of whole vectors that fit in the registers.
const fn is_vectors<A>() -> bool {
    size_of::<A>() > 0 && size_of::<A>().is_multiple_of(VECTOR) && size_of::<A>() <= MOST * VECTOR
}

/// Whether the functions here can be called for arrays of type `A`.
#[inline]
pub(super) fn can_hold<A>() -> bool {
    is_vectors::<A>() && is_x86_feature_detected!("avx2")
}

/// # Safety
///
/// As for [`loops::fold_by`]; and [`can_hold`] returns `true` for the array.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn fold<T: Element, A, const N: usize>(
    run: &Run<T>,
    init: A,
    pad: T,
    fold: impl FnMut(A, [T; N]) -> A,
) -> A {
    let load = |from: *mut T, array: *mut [T; N]| {
        // SAFETY: `fold_by` loads arrays inside the run, for which the caller vouches, into a local array.
        unsafe { load(from.cast(), array) };
    };
    // SAFETY: the caller vouches for this, and the array is filled.
    unsafe { loops::fold_by(run, init, pad, fold, load) }
}

/// # Safety
///
/// As for [`loops::fold_with_by`]; and [`can_hold`] returns `true` for both arrays.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn fold_with<T: Element, U: Element, A, const N: usize>(
    runs: (&Run<T>, &Run<U>),
    init: A,
    pads: (T, U),
    fold: impl FnMut(A, [T; N], [U; N]) -> A,
) -> A {
    let load_one = |from: *mut T, array: *mut [T; N]| {
        // SAFETY: `fold_with_by` loads arrays inside the run, for which the caller vouches, into a local array.
        unsafe { load(from.cast(), array) };
    };
    let load_other = |from: *mut U, array: *mut [U; N]| {
        // SAFETY: as above.
        unsafe { load(from.cast(), array) };
    };
    // SAFETY: the caller vouches for this, and both arrays are filled.
    unsafe { loops::fold_with_by(runs, init, pads, fold, load_one, load_other) }
}

/// # Safety
///
/// As for [`loops::update_by`]; and [`can_hold`] returns `true` for a [`Group`].
#[target_feature(enable = "avx2")]
pub(super) unsafe fn update<T: Element>(run: &Run<T>, change: impl FnMut(T) -> T) {
    let load = |from: *mut T, group: *mut Group| {
        // SAFETY: `update_by` loads groups inside the run, for which the caller vouches, into a local group.
        unsafe { load(from.cast(), group) };
    };
    let store = |group: *const Group, to: *mut T| {
        // SAFETY: `update_by` has initialised the group, and stores it at the place that it was loaded from.
        unsafe { store(group, to.cast()) };
    };
    // SAFETY: the caller vouches for this, and whole groups are copied.
    unsafe { loops::update_by(run, change, load, store) };
}

/// # Safety
///
/// As for [`loops::change_by`]; and [`can_hold`] returns `true` for a [`Group`].
#[target_feature(enable = "avx2")]
pub(super) unsafe fn change<T: Element>(run: &Run<T>, change: impl FnMut(&mut [T])) {
    let load = |from: *mut T, group: *mut Group| {
        // SAFETY: `change_by` loads groups inside the run, for which the caller vouches, into a local group.
        unsafe { load(from.cast(), group) };
    };
    let store_changed = |before: &Group, after: &Group, to: *mut T| {
        // SAFETY: `change_by` has initialised both groups, and stores at the place that they were loaded from.
        unsafe { store_changed(before, after, to) };
    };
    // SAFETY: the caller vouches for this, and whole groups are copied.
    unsafe { loops::change_by(run, change, load, store_changed) };
}

/// Vectors in a group.
const IN_GROUP: usize = size_of::<Group>() / VECTOR;

/// Stores those units of `after` that differ from `before`. A group of which all units have changed, as in most
/// changes, is stored after one comparison.
///
/// # Safety
///
/// Both are initialised. `to` may be written for a whole group, by accesses that may race with atomics.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store_changed<T>(before: &Group, after: &Group, to: *mut T) {
    let vectors = |group: &Group| -> [__m256i; IN_GROUP] {
        // SAFETY: a group is as large as this array, and the caller guarantees that it is initialised.
        unsafe { (&raw const *group).cast::<[__m256i; IN_GROUP]>().read() }
    };
    let ([old0, old1, old2, old3], [new0, new1, new2, new3]) = (vectors(before), vectors(after));
    let first_same = _mm256_or_si256(same_units::<T>(old0, new0), same_units::<T>(old1, new1));
    let last_same = _mm256_or_si256(same_units::<T>(old2, new2), same_units::<T>(old3, new3));
    let same = _mm256_or_si256(first_same, last_same);
    // Each branch builds its own arrays: an array whose address is passed to another function is stored on the stack,
    // which would otherwise happen for every group.
    if _mm256_testz_si256(same, same) == 1 {
        let changed = [new0, new1, new2, new3];
        // SAFETY: the caller vouches for this.
        unsafe { store(&raw const changed, to.cast()) };
    } else {
        // SAFETY: as above.
        unsafe { store_some::<T>([old0, old1, old2, old3], [new0, new1, new2, new3], to.cast()) };
    }
}

/// Sets all bits of each unit that is the same in both.
#[inline]
#[target_feature(enable = "avx2")]
fn same_units<T>(old: __m256i, new: __m256i) -> __m256i {
    match unit::size::<T>() {
        1 => _mm256_cmpeq_epi8(old, new),
        2 => _mm256_cmpeq_epi16(old, new),
        4 => _mm256_cmpeq_epi32(old, new),
        _ => _mm256_cmpeq_epi64(old, new),
    }
}

/// Stores the units that differ, for a group in which some do not.
///
/// # Safety
///
/// `to` may be written for a whole group, by accesses that may race with atomics.
#[inline(never)]
#[target_feature(enable = "avx2")]
unsafe fn store_some<T>(old: [__m256i; IN_GROUP], new: [__m256i; IN_GROUP], to: *mut __m256i) {
    for (index, (old, new)) in old.iter().zip(&new).enumerate() {
        let to = to.wrapping_add(index);
        match _mm256_movemask_epi8(same_units::<T>(*old, *new)) {
            -1 => {}
            // SAFETY: a vector of the group, for which the caller vouches.
            0 => unsafe { store(new, to) },
            // SAFETY: as above: the units of a vector.
            _ => unsafe { unit::store_changed_units::<T, _>(old, new, to) },
        }
    }
}

/// Copies an `A`, which consists of whole vectors, out of shared memory.
///
/// # Safety
///
/// `from` may be read for the size of an `A`, by accesses that may race with atomics; `local` may be written.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load<A>(from: *const A, local: *mut A) {
    debug_assert!(is_vectors::<A>());
    for index in 0..size_of::<A>() / VECTOR {
        let vector: __m256i;
        // SAFETY: reads 32 bytes of those that the caller vouches for, and changes one register, which is named.
        unsafe {
            asm!(
                "vmovups {vector}, [{from}]",
                vector = lateout(ymm_reg) vector,
                from = in(reg) from.cast::<__m256i>().wrapping_add(index),
                options(nostack, preserves_flags, readonly),
            );
        }
        // SAFETY: the vector is inside the local `A`, for which the caller vouches.
        unsafe { local.cast::<__m256i>().wrapping_add(index).write_unaligned(vector) };
    }
}

/// Copies an `A`, which consists of whole vectors, to shared memory.
///
/// # Safety
///
/// `local` is initialised. `to` may be written for the size of an `A`, by accesses that may race with atomics.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store<A>(local: *const A, to: *mut A) {
    debug_assert!(is_vectors::<A>());
    for index in 0..size_of::<A>() / VECTOR {
        // SAFETY: the vector is inside the local `A`, which the caller guarantees is initialised.
        let vector = unsafe { local.cast::<__m256i>().wrapping_add(index).read_unaligned() };
        // SAFETY: writes 32 bytes of those that the caller vouches for, and nothing else.
        unsafe {
            asm!(
                "vmovups [{to}], {vector}",
                to = in(reg) to.cast::<__m256i>().wrapping_add(index),
                vector = in(ymm_reg) vector,
                options(nostack, preserves_flags),
            );
        }
    }
}
