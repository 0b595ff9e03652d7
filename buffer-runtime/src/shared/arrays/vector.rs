//! Shared memory to registers and back, in vectors of 32 bytes, on processors that have AVX2.
//!
//! The loads and stores are assembly, which act as relaxed atomics of each byte, as those of `block` do and for the same
//! reason. What is between them is the compiler's: a few vectors that are written to a local array are its elements to the
//! loop that follows, and if that is simple, nothing of it leaves the registers.

use std::arch::asm;
use std::arch::x86_64::__m256i;

use super::super::run::Run;
use super::loops;
use crate::element::Element;

/// Bytes in a vector.
const VECTOR: usize = size_of::<__m256i>();

/// More vectors than these do not fit the registers.
const MOST: usize = 16;

/// Whether an `A` is a number of vectors, not too many.
const fn is_vectors<A>() -> bool {
    size_of::<A>() > 0 && size_of::<A>().is_multiple_of(VECTOR) && size_of::<A>() <= MOST * VECTOR
}

/// Whether the functions here can be called for such arrays.
#[inline]
pub(super) fn can_hold<A>() -> bool {
    is_vectors::<A>() && is_x86_feature_detected!("avx2")
}

/// # Safety
///
/// As for [`loops::fold_by`]; and [`can_hold`] says yes to the array.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn fold<T: Element, A, const N: usize>(
    run: &Run<T>,
    init: A,
    pad: T,
    fold: impl FnMut(A, [T; N]) -> A,
) -> A {
    let load = |from: *mut T, array: *mut [T; N]| {
        // SAFETY: `fold_by` asks for arrays in the run, as the caller vouches for them, and has room.
        unsafe { load(from.cast(), array) };
    };
    // SAFETY: as the caller vouches, and the array is filled.
    unsafe { loops::fold_by(run, init, pad, fold, load) }
}

/// # Safety
///
/// As for [`loops::fold_with_by`]; and [`can_hold`] says yes to both arrays.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn fold_with<T: Element, U: Element, A, const N: usize>(
    runs: (&Run<T>, &Run<U>),
    init: A,
    pads: (T, U),
    fold: impl FnMut(A, [T; N], [U; N]) -> A,
) -> A {
    let load_one = |from: *mut T, array: *mut [T; N]| {
        // SAFETY: `fold_with_by` asks for arrays in the run, as the caller vouches for them, and has room.
        unsafe { load(from.cast(), array) };
    };
    let load_other = |from: *mut U, array: *mut [U; N]| {
        // SAFETY: as above.
        unsafe { load(from.cast(), array) };
    };
    // SAFETY: as the caller vouches, and both arrays are filled.
    unsafe { loops::fold_with_by(runs, init, pads, fold, load_one, load_other) }
}

/// # Safety
///
/// As for [`loops::update_by`]; and [`can_hold`] says yes to an [`loops::Group`].
#[target_feature(enable = "avx2")]
pub(super) unsafe fn update<T: Element>(run: &Run<T>, change: impl FnMut(T) -> T) {
    let load = |from: *mut T, group: *mut loops::Group| {
        // SAFETY: `update_by` asks for groups in the run, as the caller vouches for them, and has room.
        unsafe { load(from.cast(), group) };
    };
    let store = |group: *const loops::Group, to: *mut T| {
        // SAFETY: `update_by` has initialised the group, and it goes where it came from.
        unsafe { store(group, to.cast()) };
    };
    // SAFETY: as the caller vouches, and whole groups are copied.
    unsafe { loops::update_by(run, change, load, store) };
}

/// Copies an `A`, which is whole vectors, out of shared memory.
///
/// # Safety
///
/// `from` may be read for so many bytes, by accesses that may race with atomics; `local` may be written.
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
        // SAFETY: so many bytes of the local array, for which the caller vouches.
        unsafe { local.cast::<__m256i>().wrapping_add(index).write_unaligned(vector) };
    }
}

/// Copies an `A`, which is whole vectors, to shared memory.
///
/// # Safety
///
/// `local` is initialised. `to` may be written for so many bytes, by accesses that may race with atomics.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store<A>(local: *const A, to: *mut A) {
    debug_assert!(is_vectors::<A>());
    for index in 0..size_of::<A>() / VECTOR {
        // SAFETY: so many bytes of the local array, which the caller says are initialised.
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
