//! The unit that is loaded or stored at once: its size for each type, and copies unit by unit.

use super::access::Unit;
use super::block::{self, BLOCK};
use super::wide::{Work, widely};
use std::mem::MaybeUninit;
use std::slice;

/// How many bytes are compared at a time. Neighbouring groups of this size in which all units have changed are stored
/// together.
const COMPARED: usize = 2 * BLOCK;

/// Evaluates `$body` with `$unit` as the unit of `$type`: as large as its alignment, but no larger than a machine word.
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

/// How many units `count` elements have. The size of a `T` is a multiple of its alignment, and so of its unit's size.
const fn units_in<T, U: Unit>(count: usize) -> usize {
    count * (size_of::<T>() / size_of::<U>())
}

/// Copies `count` elements out of shared memory.
///
/// # Safety
///
/// `shared` and `local` are aligned and have `count` elements. Other code accesses the shared elements only as
/// [`Unit::load`] allows, and the local ones not at all. `T` has no padding.
#[inline(always)]
pub(super) unsafe fn copy_out<T>(shared: *mut T, local: *mut T, count: usize) {
    with_unit_of!(T, U => {
        // SAFETY: the caller vouches for the room, which no other code uses.
        let local = unsafe { slice::from_raw_parts_mut(local.cast::<MaybeUninit<U>>(), units_in::<T, U>(count)) };
        let shared = shared.cast::<U>();
        let (head, rest) = local.split_at_mut(units_before_blocks(local.as_ptr().cast::<U>(), local.len()));
        // SAFETY: the caller vouches for as many shared elements as there is room for.
        unsafe { load_units(shared, head) };
        let shared = shared.wrapping_add(head.len());
        // SAFETY: as above; `rest` follows `head`, in both.
        let start = unsafe { copy_blocks::<U>(shared, rest.as_mut_ptr().cast(), rest.len()) };
        // SAFETY: as above.
        unsafe { load_units(shared.wrapping_add(start), &mut rest[start..]) };
    });
}

/// Copies `count` elements, each `stride` bytes behind the one before, out of shared memory.
///
/// # Safety
///
/// As for [`copy_out`], for elements at these addresses.
#[inline(always)]
pub(super) unsafe fn copy_out_strided<T: Copy>(shared: *mut T, stride: isize, local: *mut T, count: usize) {
    /// How many bytes are copied and then reversed at a time, so that they are still in the first-level cache.
    const REVERSED: usize = 4096;

    if stride == size_of::<T>().cast_signed().wrapping_neg() {
        let part = (REVERSED / size_of::<T>()).max(1);
        let mut done = 0;
        while done < count {
            let part = part.min(count - done);
            let local = local.wrapping_add(done);
            // SAFETY: the elements with the indices from `done` on, of which the last has the lowest address. The
            // caller vouches for them, and for their place in local memory.
            unsafe { copy_out(shared.wrapping_sub(done + part - 1), local, part) };
            // SAFETY: they were just loaded, and no other code uses them.
            unsafe { slice::from_raw_parts_mut(local, part) }.reverse();
            done += part;
        }
        return;
    }
    // SAFETY: the caller vouches for each element, and for its place in local memory.
    pairs(shared, stride, local, count, |shared, local| unsafe { copy_out(shared, local, 1) });
}

/// Copies `count` elements into shared memory, each `stride` bytes behind the one before.
///
/// # Safety
///
/// As for [`copy_in`], for elements at these addresses.
#[inline(always)]
pub(super) unsafe fn copy_in_strided<T>(local: *const T, shared: *mut T, stride: isize, count: usize) {
    // SAFETY: the caller vouches for each element.
    pairs(shared, stride, local.cast_mut(), count, |shared, local| unsafe { copy_in(local, shared, 1) });
}

/// Calls `each` with the address of every element, and with the corresponding address in local memory.
#[inline(always)]
pub(super) fn pairs<T>(
    shared: *mut T,
    stride: isize,
    local: *mut T,
    count: usize,
    mut each: impl FnMut(*mut T, *mut T),
) {
    /// How many elements an iteration has. The compiler does not unroll a loop with assembly in it.
    const UNROLLED: usize = 8;

    let (mut shared, mut local) = (shared, local);
    let mut next = || {
        each(shared, local);
        shared = shared.wrapping_byte_offset(stride);
        local = local.wrapping_add(1);
    };
    for _ in 0..count / UNROLLED {
        next();
        next();
        next();
        next();
        next();
        next();
        next();
        next();
    }
    for _ in 0..count % UNROLLED {
        next();
    }
}

/// Loads as many units as there is room for.
///
/// # Safety
///
/// [`Unit::load`] may be called for as many units from `shared` on.
#[inline(always)]
unsafe fn load_units<U: Unit>(shared: *const U, local: &mut [MaybeUninit<U>]) {
    let mut shared = shared;
    for local in local {
        // SAFETY: the caller vouches for this.
        local.write(unsafe { U::load(shared) });
        shared = shared.wrapping_add(1);
    }
}

/// How many of `len` units to copy one by one first, so that the blocks after them are aligned at the target.
#[inline(always)]
fn units_before_blocks<U>(to: *const U, len: usize) -> usize {
    /// With fewer bytes than this, aligning takes longer than the copy.
    const LONG: usize = 1024;

    if len < LONG / size_of::<U>() { 0 } else { to.addr().wrapping_neg() % block::ALIGN / size_of::<U>() }
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
        // SAFETY: the caller vouches for as many shared elements as local ones.
        unsafe { store_all(local, shared.cast::<U>()) };
    });
}

/// Stores the units of `after` that differ from `before`. Storing an unchanged unit could revert a concurrent write.
///
/// # Safety
///
/// As for [`copy_in`], for both `before` and `after`.
#[inline(always)]
pub(super) unsafe fn store_changed<T>(before: *const T, after: *const T, shared: *mut T, count: usize) {
    with_unit_of!(T, U => {
        let len = units_in::<T, U>(count);
        // SAFETY: the caller vouches for initialised elements, which have no padding.
        let before = unsafe { slice::from_raw_parts(before.cast::<U>(), len) };
        // SAFETY: as above.
        let after = unsafe { slice::from_raw_parts(after.cast::<U>(), len) };
        let shared = shared.cast::<U>();
        let end = len - len % const { COMPARED / size_of::<U>() };
        let mut start = 0;
        while start < end {
            let (changed, same) = widely(Compare(&before[start..end], &after[start..end]));
            // SAFETY: the caller vouches for `len` shared units, and these are among them.
            unsafe { store_all(&after[start..start + changed], shared.wrapping_add(start)) };
            start += changed + same;
            if changed + same == 0 {
                let mixed = start..start + COMPARED / size_of::<U>();
                // SAFETY: as above.
                unsafe { store_units(&before[mixed.clone()], &after[mixed.clone()], shared.wrapping_add(mixed.start)) };
                start = mixed.end;
            }
        }
        // SAFETY: as above.
        unsafe { store_units(&before[end..], &after[end..], shared.wrapping_add(end)) };
    });
}

/// The size of the unit of a `T`, in bytes.
#[cfg(all(target_arch = "x86_64", not(miri)))]
pub(super) const fn size<T>() -> usize {
    with_unit_of!(T, U => size_of::<U>())
}

/// As [`store_changed`], for the units of a `V` instead of elements.
///
/// # Safety
///
/// `V` is a whole number of units of `T`, which are aligned and may be stored at `shared`.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
pub(super) unsafe fn store_changed_units<T, V>(before: &V, after: &V, shared: *mut V) {
    with_unit_of!(T, U => {
        let len = size_of::<V>() / size_of::<U>();
        // SAFETY: the caller vouches for the size and the alignment; every bit pattern is a unit.
        let before = unsafe { slice::from_raw_parts((&raw const *before).cast::<U>(), len) };
        // SAFETY: as above.
        let after = unsafe { slice::from_raw_parts((&raw const *after).cast::<U>(), len) };
        // SAFETY: the caller vouches for the shared units.
        unsafe { store_units(before, after, shared.cast::<U>()) };
    });
}

/// Compares two slices from their first units on: how many units have all changed, and how many of the units after
/// those are all unchanged. Both numbers are multiples of a group.
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

/// The number of units before the first group of [`COMPARED`] bytes in which not all pairs pass.
#[inline(always)]
fn leading<U: Unit>(before: &[U], after: &[U], passes: impl Fn(&U, &U) -> bool) -> usize {
    let size = const { COMPARED / size_of::<U>() };
    // No early exit inside a group, so that the compiler compares whole vectors.
    let all_pass =
        |(old, new): &(&[U], &[U])| old.iter().zip(*new).fold(true, |all, (old, new)| all & passes(old, new));
    before.chunks_exact(size).zip(after.chunks_exact(size)).take_while(all_pass).count() * size
}

/// Stores all units.
///
/// # Safety
///
/// [`Unit::store`] may be called for as many units from `shared` on.
#[inline(always)]
unsafe fn store_all<U: Unit>(units: &[U], shared: *mut U) {
    let (head, rest) = units.split_at(units_before_blocks(shared, units.len()));
    // SAFETY: the caller vouches for this.
    unsafe { store_one_by_one(head, shared) };
    let shared = shared.wrapping_add(head.len());
    // SAFETY: as above; `rest` follows `head`, in both.
    let start = unsafe { copy_blocks::<U>(rest.as_ptr(), shared, rest.len()) };
    // SAFETY: as above.
    unsafe { store_one_by_one(&rest[start..], shared.wrapping_add(start)) };
}

/// Stores all units, each by itself.
///
/// # Safety
///
/// As for [`store_all`].
#[inline(always)]
unsafe fn store_one_by_one<U: Unit>(units: &[U], shared: *mut U) {
    let mut shared = shared;
    for &unit in units {
        // SAFETY: the caller vouches for this.
        unsafe { U::store(shared, unit) };
        shared = shared.wrapping_add(1);
    }
}

/// Stores the units that differ.
///
/// # Safety
///
/// As for [`store_all`], for the units of `after`.
#[inline(always)]
unsafe fn store_units<U: Unit>(before: &[U], after: &[U], shared: *mut U) {
    let mut shared = shared;
    for (old, new) in before.iter().zip(after) {
        if old != new {
            // SAFETY: the caller vouches for this.
            unsafe { U::store(shared, *new) };
        }
        shared = shared.wrapping_add(1);
    }
}

/// Copies all whole blocks in `len` units, if [`block::copy`] supports this processor. Returns how many units are
/// copied.
///
/// # Safety
///
/// As for [`block::copy`], for `len` units.
#[inline(always)]
unsafe fn copy_blocks<U>(from: *const U, to: *mut U, len: usize) -> usize {
    let blocks = len / (BLOCK / size_of::<U>());
    // SAFETY: `blocks` blocks are at most `len` units.
    if unsafe { block::copy(from.cast(), to.cast(), blocks) } { blocks * (BLOCK / size_of::<U>()) } else { 0 }
}
