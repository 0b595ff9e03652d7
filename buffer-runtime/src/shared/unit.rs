//! The unit of atomic access: which it is for a type, and copying by it.

use super::block::{self, BLOCK};
use super::wide::{Work, widely};
use std::mem::MaybeUninit;
use std::slice;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

/// Bytes that are compared at a time, and stored together with their neighbours if all of them have changed.
const COMPARED: usize = 2 * BLOCK;

/// An integer that is loaded and stored as one. Relaxed: there is no order between Rust and foreign code to keep.
///
/// # Safety
///
/// Every bit pattern is valid, and the atomic lies in memory as the integer does.
unsafe trait Unit: Copy + Eq {
    /// The same memory, shared.
    type Atomic;

    fn load(shared: &Self::Atomic) -> Self;

    fn store(shared: &Self::Atomic, value: Self);
}

macro_rules! units {
    ($($int:ty => $atomic:ty,)*) => {$(
        // SAFETY: so it is with integers and their atomics. (The alignment of the atomic may be larger, but the unit of a type
        // is never larger than the type's alignment, which `with_unit_of` checks.)
        unsafe impl Unit for $int {
            type Atomic = $atomic;

            #[inline(always)]
            fn load(shared: &$atomic) -> Self {
                shared.load(Ordering::Relaxed)
            }

            #[inline(always)]
            fn store(shared: &$atomic, value: Self) {
                shared.store(value, Ordering::Relaxed);
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
        // SAFETY: as the caller vouches.
        let shared = unsafe { units_at::<T, U>(shared, count) };
        // SAFETY: there are as many elements here as there.
        unsafe { store_all(local, shared) };
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
        let end = len - len % const { COMPARED / size_of::<U>() };
        let mut start = 0;
        while start < end {
            let (changed, same) = widely(Compare(&before[start..end], &after[start..end]));
            // SAFETY: these are as many units here as there, as the caller vouches for them.
            unsafe { store_all(&after[start..start + changed], &shared[start..start + changed]) };
            start += changed + same;
            if changed + same == 0 {
                let mixed = start..start + COMPARED / size_of::<U>();
                store_units(&before[mixed.clone()], &after[mixed.clone()], &shared[mixed.clone()]);
                start = mixed.end;
            }
        }
        store_units(&before[end..], &after[end..], &shared[end..]);
    });
}

/// How many units have all changed from the first one on, and how many behind them are all the same.
struct Compare<'a, U>(&'a [U], &'a [U]);

impl<U: Unit> Work for Compare<'_, U> {
    type Outcome = (usize, usize);

    #[inline(always)]
    fn work(self) -> (usize, usize) {
        let Self(before, after) = self;
        let changed = leading(before, after, |old, new| old != new);
        (changed, leading(&before[changed..], &after[changed..], |old, new| old == new))
    }
}

/// How many units come before the first group in which not all pairs pass.
#[inline(always)]
fn leading<U: Unit>(before: &[U], after: &[U], passes: impl Fn(&U, &U) -> bool) -> usize {
    let size = const { COMPARED / size_of::<U>() };
    // No early exit inside of a group: so the compiler fills whole vectors.
    let all_pass =
        |(old, new): &(&[U], &[U])| old.iter().zip(*new).fold(true, |all, (old, new)| all & passes(old, new));
    before.chunks_exact(size).zip(after.chunks_exact(size)).take_while(all_pass).count() * size
}

/// Stores all units.
///
/// # Safety
///
/// The shared ones may be written as atomics may, and are not fewer.
#[inline(always)]
unsafe fn store_all<U: Unit>(units: &[U], shared: &[U::Atomic]) {
    // SAFETY: as the caller vouches.
    let start = unsafe { copy_blocks::<U>(units.as_ptr(), shared.as_ptr().cast_mut().cast(), units.len()) };
    for (shared, &unit) in shared[start..].iter().zip(&units[start..]) {
        U::store(shared, unit);
    }
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
