//! Copying whole blocks of bytes to and from shared memory, faster than unit by unit.
//!
//! Compilers do not vectorise atomic accesses. On x86-64 the copy is written in assembly, whose loads and stores act as
//! relaxed atomics of each byte: what the compiler cannot see it cannot assume to be free of races. Elsewhere, and in Miri,
//! nothing is copied here, and the unit loop does it all.

/// Bytes in a block: a cache line.
pub(super) const BLOCK: usize = 64;

/// Copies `blocks` blocks, and says whether it did.
///
/// # Safety
///
/// `from` may be read and `to` written for so many bytes, by accesses that may race with atomics. They do not overlap.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
pub(super) unsafe fn copy(from: *const u8, to: *mut u8, blocks: usize) -> bool {
    if blocks == 0 {
        return true;
    }
    // SAFETY: the loop reads and writes `blocks` times 64 bytes, for which the caller vouches, and uses no stack. Four
    // registers are clobbered, which are named.
    unsafe {
        std::arch::asm!(
            "2:",
            "movups {a}, [{from}]",
            "movups {b}, [{from} + 16]",
            "movups {c}, [{from} + 32]",
            "movups {d}, [{from} + 48]",
            "movups [{to}], {a}",
            "movups [{to} + 16], {b}",
            "movups [{to} + 32], {c}",
            "movups [{to} + 48], {d}",
            "add {from}, 64",
            "add {to}, 64",
            "dec {blocks}",
            "jnz 2b",
            from = inout(reg) from => _,
            to = inout(reg) to => _,
            blocks = inout(reg) blocks => _,
            a = out(xmm_reg) _,
            b = out(xmm_reg) _,
            c = out(xmm_reg) _,
            d = out(xmm_reg) _,
            options(nostack),
        );
    }
    true
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
#[inline(always)]
pub(super) unsafe fn copy(_from: *const u8, _to: *mut u8, blocks: usize) -> bool {
    blocks == 0
}
