//! The unit of atomic access: which it is for a type, and copying by it.

use super::block::{self, BLOCK};
use std::mem::MaybeUninit;
use std::slice;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

/// Bytes that are compared at a time, to be stored at once if all of them have changed.
const COMPARED: usize = 2 * BLOCK;

/// An integer that is loaded and stored as one. Relaxed: there is no order between Rust and foreign code to keep.
trait Unit: Copy + Eq {
    /// The same memory, shared.
    type Atomic;

    fn load(shared: &Self::Atomic) -> Self;

    fn store(shared: &Self::Atomic, value: Self);

    /// How many of at most `COMPARED` bytes' units differ.
    fn count_changed(before: &[Self], after: &[Self]) -> usize;
}

macro_rules! units {
    ($($int:ty => $atomic:ty,)*) => {$(
        impl Unit for $int {
            type Atomic = $atomic;

            #[inline(always)]
            fn load(shared: &$atomic) -> Self {
                shared.load(Ordering::Relaxed)
            }

            #[inline(always)]
            fn store(shared: &$atomic, value: Self) {
                shared.store(value, Ordering::Relaxed);
            }

            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, reason = "the count is at most `COMPARED`")]
            fn count_changed(before: &[Self], after: &[Self]) -> usize {
                // A sum in the unit's own type, and no early exit: so the compiler fills whole vectors. `COMPARED` is
                // small enough for the smallest unit.
                let changed: $int = before.iter().zip(after).map(|(old, new)| <$int>::from(old != new)).sum();
                changed as usize
            }
        }
    )*};
}

units! {
    u8 => AtomicU8,
    u16 => AtomicU16,
    u32 => AtomicU32,
    u64 => AtomicU64,
}

/// Does `$body` with `$unit` being the unit of `$type`: as large as its alignment, but no larger than a machine word.
macro_rules! with_unit_of {
    ($type:ty, $unit:ident => $body:expr) => {
        match if align_of::<$type>() < size_of::<usize>() { align_of::<$type>() } else { size_of::<usize>() } {
            1 => {
                type $unit = u8;
                $body
            }
            2 => {
                type $unit = u16;
                $body
            }
            4 => {
                type $unit = u32;
                $body
            }
            _ => {
                type $unit = u64;
                $body
            }
        }
    };
}

/// How many units `count` elements are: the size of a `T` is a multiple of its alignment, and so of its unit's size.
const fn units_in<T, U: Unit>(count: usize) -> usize {
    count * (size_of::<T>() / size_of::<U>())
}

/// Shared memory as the units that everybody accesses it by.
///
/// # Safety
///
/// `shared` is aligned and has `count` elements, which are accessed in units of `T`, or by bytes, while the answer is used.
#[inline(always)]
unsafe fn units_at<'a, T, U: Unit>(shared: *mut T, count: usize) -> &'a [U::Atomic] {
    // SAFETY: the caller vouches for the elements; atomics may be shared with other atomic accesses.
    unsafe { slice::from_raw_parts(shared.cast(), units_in::<T, U>(count)) }
}

/// Copies `count` elements out of shared memory.
///
/// # Safety
///
/// `shared` and `local` are aligned and have `count` elements; the shared ones are accessed in units of `T` only, the
/// local ones by nobody else. `T` has no padding.
#[inline(always)]
pub(super) unsafe fn copy_out<T>(shared: *mut T, local: *mut T, count: usize) {
    with_unit_of!(T, U => {
        // SAFETY: the caller vouches for the room, which nobody else uses.
        let local = unsafe { slice::from_raw_parts_mut(local.cast::<MaybeUninit<U>>(), units_in::<T, U>(count)) };
        // SAFETY: the caller vouches for as many elements as there is room for.
        let start = unsafe { copy_blocks::<U>(shared.cast(), local.as_mut_ptr().cast(), local.len()) };
        // SAFETY: as the caller vouches.
        let shared = unsafe { units_at::<T, U>(shared, count) };
        for (shared, local) in shared[start..].iter().zip(&mut local[start..]) {
            local.write(U::load(shared));
        }
    });
}

/// Copies `count` elements into shared memory.
///
/// # Safety
///
/// As for [`copy_out`]; and the local elements are initialised.
#[inline(always)]
pub(super) unsafe fn copy_in<T>(local: *const T, shared: *mut T, count: usize) {
    with_unit_of!(T, U => {
        // SAFETY: the caller vouches for initialised elements, which have no padding.
        let local = unsafe { slice::from_raw_parts(local.cast::<U>(), units_in::<T, U>(count)) };
        // SAFETY: the caller vouches for as many elements here as there.
        let start = unsafe { copy_blocks::<U>(local.as_ptr(), shared.cast(), local.len()) };
        // SAFETY: as the caller vouches.
        let shared = unsafe { units_at::<T, U>(shared, count) };
        for (shared, &local) in shared[start..].iter().zip(&local[start..]) {
            U::store(shared, local);
        }
    });
}

/// Stores those units of `after` that differ from `before`: to store an untouched one would revert a write by others.
///
/// # Safety
///
/// As for [`copy_in`], for `before` as for `after`.
#[inline(always)]
pub(super) unsafe fn store_changed<T>(before: *const T, after: *const T, shared: *mut T, count: usize) {
    with_unit_of!(T, U => {
        let len = units_in::<T, U>(count);
        // SAFETY: the caller vouches for initialised elements, which have no padding.
        let before = unsafe { slice::from_raw_parts(before.cast::<U>(), len) };
        // SAFETY: as above.
        let after = unsafe { slice::from_raw_parts(after.cast::<U>(), len) };
        // SAFETY: as the caller vouches.
        let shared = unsafe { units_at::<T, U>(shared, count) };
        let size = const { COMPARED / size_of::<U>() };
        let (mut olds, mut news, mut units) = (before.chunks_exact(size), after.chunks_exact(size), shared.chunks_exact(size));
        for ((before, after), shared) in (&mut olds).zip(&mut news).zip(&mut units) {
            let changed = U::count_changed(before, after);
            // SAFETY: both are a whole number of blocks, all of which has changed.
            let stored = changed == size
                && unsafe { block::copy(after.as_ptr().cast(), shared.as_ptr().cast_mut().cast(), COMPARED / BLOCK) };
            if changed > 0 && !stored {
                store_units(before, after, shared);
            }
        }
        store_units(olds.remainder(), news.remainder(), units.remainder());
    });
}

#[inline(always)]
fn store_units<U: Unit>(before: &[U], after: &[U], shared: &[U::Atomic]) {
    for (shared, (old, new)) in shared.iter().zip(before.iter().zip(after)) {
        if old != new {
            U::store(shared, *new);
        }
    }
}

/// Copies as many whole blocks as `len` units have, where that is faster, and says how many units that were.
///
/// # Safety
///
/// As for [`block::copy`], for `len` units.
#[inline(always)]
unsafe fn copy_blocks<U>(from: *const U, to: *mut U, len: usize) -> usize {
    let blocks = len / (BLOCK / size_of::<U>());
    // SAFETY: so many blocks are no more than `len` units.
    if unsafe { block::copy(from.cast(), to.cast(), blocks) } { blocks * (BLOCK / size_of::<U>()) } else { 0 }
}
