//! Copying whole blocks of bytes to and from shared memory, faster than unit by unit.
//!
//! Compilers do not vectorise atomic accesses. On x86-64 and aarch64 the copy is written in assembly, whose loads and
//! stores act as relaxed atomics of each byte: the compiler cannot see these accesses, so it cannot assume that they
//! are free of races. On x86-64 with AVX the copy moves twice as much at a time. On other processors, and in Miri,
//! nothing is copied here, and the unit loop copies everything.

/// Bytes in a block: a cache line.
pub(super) const BLOCK: usize = 64;

/// The alignment of the target at which a long copy is fastest. A store across two cache lines takes twice as long.
pub(super) const ALIGN: usize = 32;

/// A copy of at least this many blocks bypasses the caches when it stores: it is larger than most caches. A store to a
/// cache loads the line from memory first, so a large copy would read its target as well.
#[cfg(all(target_arch = "x86_64", not(miri)))]
const STREAMED: usize = (16 << 20) / BLOCK;

/// Copies `blocks` blocks. Returns whether they are copied.
///
/// # Safety
///
/// `from` may be read and `to` may be written for this many blocks, by accesses that may race with atomics. The two
/// ranges do not overlap.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
pub(super) unsafe fn copy(from: *const u8, to: *mut u8, blocks: usize) -> bool {
    if blocks > 0 {
        if !is_x86_feature_detected!("avx") {
            // SAFETY: the caller vouches for this.
            unsafe { copy_by_16(from, to, blocks) };
        } else if blocks < STREAMED || !to.addr().is_multiple_of(ALIGN) {
            // SAFETY: the caller vouches for this; the processor has AVX.
            unsafe { copy_by_32(from, to, blocks) };
        } else {
            // SAFETY: as above, and `to` is aligned.
            unsafe { stream_by_32(from, to, blocks) };
        }
    }
    true
}

/// # Safety
///
/// As for [`copy`]; and `blocks` is not 0.
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
    // SAFETY: as in `copy_by_16`. `vzeroupper` clears the upper halves of all sixteen registers, and they are named as
    // clobbered. Without it SSE code would be slow afterwards.
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

/// # Safety
///
/// As for [`copy_by_32`]; and `to` is a multiple of 32.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[cold]
unsafe fn stream_by_32(from: *const u8, to: *mut u8, blocks: usize) {
    // SAFETY: as in `copy_by_32`. Stores that bypass the caches need an aligned address, and are not ordered with later
    // stores, such as the one that ends a guard; `sfence` orders them.
    unsafe {
        std::arch::asm!(
            "2:",
            "vmovups ymm0, [{from}]",
            "vmovups ymm1, [{from} + 32]",
            "vmovntdq [{to}], ymm0",
            "vmovntdq [{to} + 32], ymm1",
            "add {from}, 64",
            "add {to}, 64",
            "dec {blocks}",
            "jnz 2b",
            "sfence",
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

/// Copies `blocks` blocks. Returns whether they are copied.
///
/// # Safety
///
/// `from` may be read and `to` may be written for this many blocks, by accesses that may race with atomics. The two
/// ranges do not overlap.
#[cfg(all(target_arch = "aarch64", not(miri)))]
#[inline(always)]
pub(super) unsafe fn copy(from: *const u8, to: *mut u8, blocks: usize) -> bool {
    if blocks > 0 {
        // SAFETY: the loop reads and writes `blocks` times 64 bytes, for which the caller vouches, and uses no stack.
        // All registers that change are named.
        unsafe {
            std::arch::asm!(
                "2:",
                "ldp {a:q}, {b:q}, [{from}], #32",
                "ldp {c:q}, {d:q}, [{from}], #32",
                "stp {a:q}, {b:q}, [{to}], #32",
                "stp {c:q}, {d:q}, [{to}], #32",
                "subs {blocks}, {blocks}, #1",
                "b.ne 2b",
                from = inout(reg) from => _,
                to = inout(reg) to => _,
                blocks = inout(reg) blocks => _,
                a = out(vreg) _,
                b = out(vreg) _,
                c = out(vreg) _,
                d = out(vreg) _,
                options(nostack),
            );
        }
    }
    true
}

#[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri))))]
#[inline(always)]
pub(super) unsafe fn copy(_from: *const u8, _to: *mut u8, blocks: usize) -> bool {
    blocks == 0
}

#[cfg(all(test, target_arch = "x86_64", not(miri)))]
mod tests {
    use super::*;

    /// Copies with sources and targets at several alignments. The bytes before and after the target must not change.
    fn copies_whole_blocks_alone(copy: unsafe fn(*const u8, *mut u8, usize)) {
        let source: Vec<u8> = (0..=255).cycle().take(6 * BLOCK).collect();
        for (blocks, start) in [(1, 0), (1, 1), (2, 16), (2, 32), (4, 33), (5, 63)] {
            let mut target = vec![7; 7 * BLOCK];
            let start = start + (target.as_ptr().addr().wrapping_neg() % ALIGN);
            let end = start + blocks * BLOCK;
            // SAFETY: both vectors have this many bytes from there on.
            unsafe { copy(source[start / 2..].as_ptr(), target[start..].as_mut_ptr(), blocks) };
            assert_eq!(target[start..end], source[start / 2..][..blocks * BLOCK]);
            assert!(target[..start].iter().chain(&target[end..]).all(|&byte| byte == 7));
        }
    }

    #[test]
    fn blocks_are_copied_by_16_bytes() {
        copies_whole_blocks_alone(|from, to, blocks| {
            // SAFETY: the caller vouches for this.
            unsafe { copy_by_16(from, to, blocks) }
        });
    }

    #[test]
    fn blocks_are_copied_past_the_caches() {
        copies_whole_blocks_alone(|from, to, blocks| {
            if !is_x86_feature_detected!("avx") || !to.addr().is_multiple_of(ALIGN) {
                // SAFETY: the caller vouches for this.
                return unsafe { copy_by_16(from, to, blocks) };
            }
            // SAFETY: as above; `to` is aligned, and the processor has AVX.
            unsafe { stream_by_32(from, to, blocks) };
        });
    }

    #[test]
    fn blocks_are_copied_by_what_the_processor_has() {
        copies_whole_blocks_alone(|from, to, blocks| {
            // SAFETY: the caller vouches for this. `copy` checks for AVX itself.
            assert!(unsafe { copy(from, to, blocks) });
        });
    }
}
