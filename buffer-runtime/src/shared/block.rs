//! Copying whole blocks of bytes to and from shared memory, faster than unit by unit.
//!
//! Compilers do not vectorise atomic accesses. On x86-64 the copy is written in assembly, whose loads and stores act as
//! relaxed atomics of each byte: what the compiler cannot see it cannot assume to be free of races. The processor is asked
//! for AVX, which moves twice as much at a time. Elsewhere, and in Miri, nothing is copied here, and the unit loop does it
//! all.

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
    if blocks > 0 {
        if is_x86_feature_detected!("avx") {
            // SAFETY: as the caller vouches, and the processor has been asked.
            unsafe { copy_by_32(from, to, blocks) };
        } else {
            // SAFETY: as the caller vouches.
            unsafe { copy_by_16(from, to, blocks) };
        }
    }
    true
}

/// # Safety
///
/// As for [`copy`]; there is a block.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
unsafe fn copy_by_16(from: *const u8, to: *mut u8, blocks: usize) {
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
}

/// # Safety
///
/// As for [`copy_by_16`], and the processor has AVX.
#[cfg(all(target_arch = "x86_64", not(miri)))]
unsafe fn copy_by_32(from: *const u8, to: *mut u8, blocks: usize) {
    // SAFETY: as in `copy_by_16`. `vzeroupper`, without which code that knows nothing of AVX would be slow afterwards, clears
    // the upper halves of all sixteen registers, and they are named as clobbered.
    unsafe {
        std::arch::asm!(
            "2:",
            "vmovups ymm0, [{from}]",
            "vmovups ymm1, [{from} + 32]",
            "vmovups [{to}], ymm0",
            "vmovups [{to} + 32], ymm1",
            "add {from}, 64",
            "add {to}, 64",
            "dec {blocks}",
            "jnz 2b",
            "vzeroupper",
            from = inout(reg) from => _,
            to = inout(reg) to => _,
            blocks = inout(reg) blocks => _,
            out("ymm0") _, out("ymm1") _, out("ymm2") _, out("ymm3") _,
            out("ymm4") _, out("ymm5") _, out("ymm6") _, out("ymm7") _,
            out("ymm8") _, out("ymm9") _, out("ymm10") _, out("ymm11") _,
            out("ymm12") _, out("ymm13") _, out("ymm14") _, out("ymm15") _,
            options(nostack),
        );
    }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
#[inline(always)]
pub(super) unsafe fn copy(_from: *const u8, _to: *mut u8, blocks: usize) -> bool {
    blocks == 0
}

#[cfg(all(test, target_arch = "x86_64", not(miri)))]
mod tests {
    use super::*;

    /// Copies to and from every alignment, with bytes before and after that must stay.
    fn copies_whole_blocks_alone(copy: unsafe fn(*const u8, *mut u8, usize)) {
        let source: Vec<u8> = (0..=255).cycle().take(6 * BLOCK).collect();
        for (blocks, start) in [(1, 0), (1, 1), (2, 16), (4, 33), (5, 63)] {
            let mut target = vec![7; 6 * BLOCK];
            let end = start + blocks * BLOCK;
            // SAFETY: both have so many bytes from there on.
            unsafe { copy(source[start / 2..].as_ptr(), target[start..].as_mut_ptr(), blocks) };
            assert_eq!(target[start..end], source[start / 2..][..blocks * BLOCK]);
            assert!(target[..start].iter().chain(&target[end..]).all(|&byte| byte == 7));
        }
    }

    #[test]
    fn blocks_are_copied_by_16_bytes() {
        copies_whole_blocks_alone(|from, to, blocks| {
            // SAFETY: as the caller vouches.
            unsafe { copy_by_16(from, to, blocks) }
        });
    }

    #[test]
    fn blocks_are_copied_by_what_the_processor_has() {
        copies_whole_blocks_alone(|from, to, blocks| {
            // SAFETY: as the caller vouches. A processor without AVX is what `copy` chooses the other one for.
            assert!(unsafe { copy(from, to, blocks) });
        });
    }
}
