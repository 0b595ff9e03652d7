//! The unit of atomic access: which it is for a type, and copying by it.

use std::mem::MaybeUninit;
use std::slice;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

/// An integer that is loaded and stored as one. Relaxed: there is no order between Rust and foreign code to keep.
trait Unit: Copy + Eq {
    /// The same memory, shared.
    type Atomic;

    fn load(shared: &Self::Atomic) -> Self;

    fn store(shared: &Self::Atomic, value: Self);
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

/// Copies `count` elements out of shared memory.
///
/// # Safety
///
/// `shared` and `local` are aligned and have `count` elements; the shared ones are accessed in units of `T` only, the
/// local ones by nobody else. `T` has no padding.
#[inline(always)]
pub(super) unsafe fn copy_out<T>(shared: *mut T, local: *mut T, count: usize) {
    with_unit_of!(T, U => {
        let len = units_in::<T, U>(count);
        // SAFETY: the caller vouches for the elements; atomics of the same size may be shared with other atomic accesses.
        let shared = unsafe { slice::from_raw_parts(shared.cast::<<U as Unit>::Atomic>(), len) };
        // SAFETY: the caller vouches for the room, which nobody else uses.
        let local = unsafe { slice::from_raw_parts_mut(local.cast::<MaybeUninit<U>>(), len) };
        for (shared, local) in shared.iter().zip(local) {
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
        let len = units_in::<T, U>(count);
        // SAFETY: as in `copy_out`.
        let shared = unsafe { slice::from_raw_parts(shared.cast::<<U as Unit>::Atomic>(), len) };
        // SAFETY: the caller vouches for initialised elements, which have no padding.
        let local = unsafe { slice::from_raw_parts(local.cast::<U>(), len) };
        for (shared, &local) in shared.iter().zip(local) {
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
        // SAFETY: as in `copy_out`.
        let shared = unsafe { slice::from_raw_parts(shared.cast::<<U as Unit>::Atomic>(), len) };
        // SAFETY: as in `copy_in`.
        let before = unsafe { slice::from_raw_parts(before.cast::<U>(), len) };
        // SAFETY: as in `copy_in`.
        let after = unsafe { slice::from_raw_parts(after.cast::<U>(), len) };
        for (shared, (old, new)) in shared.iter().zip(before.iter().zip(after)) {
            if old != new {
                U::store(shared, *new);
            }
        }
    });
}
