//! One load or store of shared memory.
//!
//! Other code may access the same bytes as items of another size: a part of an object may be exported with another
//! format, and any consumer may cast. By the rules of `std::sync::atomic`, atomic accesses of different sizes that
//! race, one of which writes, are undefined behaviour. So in Rust's memory model there is one size for all accesses,
//! the byte: every access is a sequence of relaxed atomic accesses to single bytes, in an unspecified order.
//!
//! On x86, x86-64 and aarch64 such a sequence is one instruction, written in assembly: one access to all bytes at once
//! is an allowed outcome of the sequence. These processors load and store an aligned integer as a whole, so that it is
//! not torn, and they allow accesses of mixed sizes. Elsewhere, and in Miri, which checks the rule, the bytes are
//! accessed one by one.

/// An integer that shared memory is accessed by.
///
/// # Safety
///
/// Every bit pattern is valid, and there is no padding.
pub(super) unsafe trait Unit: Copy + Eq {
    /// Loads one. Each byte is independently from before or after a concurrent write.
    ///
    /// # Safety
    ///
    /// `from` is aligned and valid for reads. Other Rust code accesses the unit only as this module does; foreign code
    /// may also access it.
    unsafe fn load(from: *const Self) -> Self;

    /// Stores one.
    ///
    /// # Safety
    ///
    /// As for [`load`](Self::load), and `to` is valid for writes.
    unsafe fn store(to: *mut Self, value: Self);
}

/// Accesses by single bytes.
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
            // Relaxed: no write by foreign code is ordered with Rust's accesses, so there is nothing to acquire.
            let byte = byte.load(Ordering::Relaxed);
            // SAFETY: a byte of the local value.
            unsafe { value.as_mut_ptr().cast::<u8>().add(index).write(byte) };
        }
        // SAFETY: every byte is written, and every bit pattern is valid.
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
        // SAFETY: every bit pattern of an integer is valid, and integers have no padding.
        unsafe impl Unit for $unit {
            #[inline(always)]
            unsafe fn load(from: *const Self) -> Self {
                // SAFETY: the caller vouches for this.
                unsafe { bytes::load(from) }
            }

            #[inline(always)]
            unsafe fn store(to: *mut Self, value: Self) {
                // SAFETY: the caller vouches for this.
                unsafe { bytes::store(to, value) };
            }
        }
    )*};
}

/// Implements units by one load instruction and one store instruction each. A load fills a whole register: it would
/// wait for the register's previous value if it replaced only a part.
#[cfg(all(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64"), not(miri)))]
macro_rules! by_instruction {
    ($($unit:ty, in $loaded:ty: $load:literal; $register:ident: $store:literal;)*) => {$(
        // SAFETY: every bit pattern of an integer is valid, and integers have no padding.
        unsafe impl Unit for $unit {
            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, trivial_numeric_casts, reason = "as the comment below says")]
            unsafe fn load(from: *const Self) -> Self {
                let value: $loaded;
                // SAFETY: reads the unit, for which the caller vouches, as relaxed atomics of each of its bytes would,
                // and changes one register, which is named.
                unsafe {
                    std::arch::asm!(
                        $load,
                        value = lateout(reg) value,
                        shared = in(reg) from,
                        options(nostack, preserves_flags, readonly),
                    );
                }
                // The rest of the register is 0.
                value as Self
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
    u8, in u32: "movzx {value:e}, byte ptr [{shared}]"; reg_byte: "mov byte ptr [{shared}], {value}";
    u16, in u32: "movzx {value:e}, word ptr [{shared}]"; reg: "mov word ptr [{shared}], {value:x}";
    u32, in u32: "mov {value:e}, dword ptr [{shared}]"; reg: "mov dword ptr [{shared}], {value:e}";
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
by_instruction! {
    u64, in u64: "mov {value:r}, qword ptr [{shared}]"; reg: "mov qword ptr [{shared}], {value:r}";
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
by_instruction! {
    u8, in u32: "ldrb {value:w}, [{shared}]"; reg: "strb {value:w}, [{shared}]";
    u16, in u32: "ldrh {value:w}, [{shared}]"; reg: "strh {value:w}, [{shared}]";
    u32, in u32: "ldr {value:w}, [{shared}]"; reg: "str {value:w}, [{shared}]";
    u64, in u64: "ldr {value:x}, [{shared}]"; reg: "str {value:x}, [{shared}]";
}

// Not used on 32-bit x86, where a unit has at most four bytes.
#[cfg(all(target_arch = "x86", not(miri)))]
by_bytes!(u64);

#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64"))))]
by_bytes!(u8 u16 u32 u64);
