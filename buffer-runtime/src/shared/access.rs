//! One load or store of shared memory.
//!
//! Others may access the same bytes as items of another size: a part of an object may be exported with another format, and
//! any consumer may cast. Atomics of different sizes that race, one of which writes, are undefined by the rules of
//! `std::sync::atomic`. So to the language there is one size for all, the byte: every access is a row of relaxed atomics of
//! single bytes, in an order that nobody knows.
//!
//! On x86, x86-64 and aarch64 such a row is one instruction, written in assembly; what may do the same as bytes would may do
//! it at once. These processors load and store an aligned integer as a whole, so that it is not torn, and they have no rule
//! against sizes that mix. Elsewhere, and in Miri, which checks the rule, the bytes are accessed one by one.

/// An integer as shared memory holds it.
///
/// # Safety
///
/// Every bit pattern is valid, and there is no padding.
pub(super) unsafe trait Unit: Copy + Eq {
    /// Loads one. What others write meanwhile may be in it or not, byte by byte.
    ///
    /// # Safety
    ///
    /// `from` is aligned and valid for reads, and others access it as this module does, or as foreign code.
    unsafe fn load(from: *const Self) -> Self;

    /// Stores one.
    ///
    /// # Safety
    ///
    /// As for [`load`](Self::load), and valid for writes.
    unsafe fn store(to: *mut Self, value: Self);
}

/// By single bytes.
#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod bytes {
    use std::mem::MaybeUninit;
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::Unit;

    /// # Safety
    ///
    /// As for [`Unit::load`].
    pub(super) unsafe fn load<U: Unit>(from: *const U) -> U {
        let mut value = MaybeUninit::<U>::uninit();
        for index in 0..size_of::<U>() {
            // SAFETY: a byte of the unit, for which the caller vouches.
            let byte = unsafe { &*from.cast::<AtomicU8>().add(index) };
            // Relaxed: there is no order between Rust and foreign code to keep.
            let byte = byte.load(Ordering::Relaxed);
            // SAFETY: a byte of the local value.
            unsafe { value.as_mut_ptr().cast::<u8>().add(index).write(byte) };
        }
        // SAFETY: every byte is written, and every bit pattern valid.
        unsafe { value.assume_init() }
    }

    /// # Safety
    ///
    /// As for [`Unit::store`].
    pub(super) unsafe fn store<U: Unit>(to: *mut U, value: U) {
        for index in 0..size_of::<U>() {
            // SAFETY: a byte of the local value, which has no padding.
            let byte = unsafe { (&raw const value).cast::<u8>().add(index).read() };
            // SAFETY: a byte of the unit, for which the caller vouches.
            let shared = unsafe { &*to.cast::<AtomicU8>().add(index) };
            shared.store(byte, Ordering::Relaxed);
        }
    }
}

#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
macro_rules! by_bytes {
    ($($unit:ty)*) => {$(
        // SAFETY: so it is with integers.
        unsafe impl Unit for $unit {
            #[inline(always)]
            unsafe fn load(from: *const Self) -> Self {
                // SAFETY: as the caller vouches.
                unsafe { bytes::load(from) }
            }

            #[inline(always)]
            unsafe fn store(to: *mut Self, value: Self) {
                // SAFETY: as the caller vouches.
                unsafe { bytes::store(to, value) };
            }
        }
    )*};
}

/// Units by the one instruction that loads them, and the one that stores them.
#[cfg(all(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64"), not(miri)))]
macro_rules! by_instruction {
    ($($unit:ty, $register:ident: $load:literal, $store:literal;)*) => {$(
        // SAFETY: so it is with integers.
        unsafe impl Unit for $unit {
            #[inline(always)]
            unsafe fn load(from: *const Self) -> Self {
                let value: Self;
                // SAFETY: reads the unit, for which the caller vouches, as relaxed atomics of each of its bytes would, and
                // changes one register, which is named.
                unsafe {
                    std::arch::asm!(
                        $load,
                        value = lateout($register) value,
                        shared = in(reg) from,
                        options(nostack, preserves_flags, readonly),
                    );
                }
                value
            }

            #[inline(always)]
            unsafe fn store(to: *mut Self, value: Self) {
                // SAFETY: writes the unit, for which the caller vouches, as relaxed atomics of each of its bytes would.
                unsafe {
                    std::arch::asm!(
                        $store,
                        shared = in(reg) to,
                        value = in($register) value,
                        options(nostack, preserves_flags),
                    );
                }
            }
        }
    )*};
}

#[cfg(all(any(target_arch = "x86_64", target_arch = "x86"), not(miri)))]
by_instruction! {
    u8, reg_byte: "mov {value}, byte ptr [{shared}]", "mov byte ptr [{shared}], {value}";
    u16, reg: "mov {value:x}, word ptr [{shared}]", "mov word ptr [{shared}], {value:x}";
    u32, reg: "mov {value:e}, dword ptr [{shared}]", "mov dword ptr [{shared}], {value:e}";
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
by_instruction! {
    u64, reg: "mov {value:r}, qword ptr [{shared}]", "mov qword ptr [{shared}], {value:r}";
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
by_instruction! {
    u8, reg: "ldrb {value:w}, [{shared}]", "strb {value:w}, [{shared}]";
    u16, reg: "ldrh {value:w}, [{shared}]", "strh {value:w}, [{shared}]";
    u32, reg: "ldr {value:w}, [{shared}]", "str {value:w}, [{shared}]";
    u64, reg: "ldr {value:x}, [{shared}]", "str {value:x}, [{shared}]";
}

// No unit of 32-bit x86 is as large.
#[cfg(all(target_arch = "x86", not(miri)))]
by_bytes!(u64);

#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64"))))]
by_bytes!(u8 u16 u32 u64);
