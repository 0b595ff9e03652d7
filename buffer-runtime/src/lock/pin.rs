//! What keeps memory in place without a view or a guard: pins and tensors.
//!
//! Some consumers keep the address and release the view. No count covers them, so memory that was viewed once through a
//! class with `pin` never moves again. A tensor that was exported through DLPack keeps the address as well, but says
//! when it ends: it is counted. Both begin under a view, and both are read by the guards that would move the memory. A
//! `Pin` stands beside a lock and relies on it:
//!
//! 1. It is set, and a tensor is counted, while a view is counted and the cell is borrowed to grant it, before the
//!    consumer learns the address.
//! 2. A caller with a shared reference to the cell reads this word after its guard has begun. The guard excludes the
//!    views in question (block invariant 8). Both locks order what was done under a view before a guard that the end of
//!    this view has admitted: the release of a view is a Release and the begin of a guard an Acquire, or both are
//!    attached to one GIL. So the caller sees the pin and the tensors of every view that has ended, and no other such
//!    view begins before the guard ends. Where there is a GIL, an attached caller may also read the word just before
//!    its guard begins: no other thread is attached in between, so no pin is set and no tensor begins.
//! 3. A caller with `&mut` to the cell may read this word at any time: the borrows under which views were granted are
//!    over.
//! 4. A pin is never lowered. A tensor ends on any thread, attached or not. So it is in no count of views, which only
//!    attached threads change where there is a GIL, and it costs views nothing.
//! 5. A pin does not change between the begin and the end of a closing, since no view is counted then. So all threads
//!    that find one closing underway read the same pin. Tensors may end meanwhile. So where there was a tensor, a
//!    second thread does not decide by itself whether the closing succeeds (`had_tensors`).

use super::atomic::{AtomicU32, Ordering};
use super::{Blocker, GuardKind, ViewKind};

/// Bits of the word: a view of the pin's class was granted; it may have written; a tensor has begun; a tensor that may
/// write has begun since the count of tensors was last 0; how many tensors there are (28).
const READ: u32 = 1;
const WRITTEN: u32 = 1 << 1;
const HAD_TENSORS: u32 = 1 << 2;
const TENSORS_WRITE: u32 = 1 << 3;
const TENSOR_SHIFT: u32 = 4;
const TENSOR_ONE: u32 = 1 << TENSOR_SHIFT;
const MAX_TENSORS: u32 = u32::MAX >> TENSOR_SHIFT;

/// The greatest access of any view so far, and the tensors. Invariant 4.
#[derive(Debug)]
pub(crate) struct Pin(AtomicU32);

impl Pin {
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    #[cfg(all(test, not(buffer_loom)))]
    pub(super) fn full_of_tensors() -> Self {
        Self(AtomicU32::new(MAX_TENSORS << TENSOR_SHIFT | HAD_TENSORS))
    }

    /// Records a view that is granted. The caller keeps the view counted until this returns.
    #[inline(always)]
    pub(crate) fn set(&self, access: ViewKind) {
        let (seen, all) = match access {
            ViewKind::ReadOnly => (READ, READ),
            ViewKind::Writable => (WRITTEN, READ | WRITTEN),
        };
        // Almost every view finds the value already set: avoid the read-modify-write.
        if self.0.load(Ordering::Relaxed) & seen == 0 {
            self.0.fetch_or(all, Ordering::Relaxed);
        }
    }

    /// Decides whether a pin allows a guard of this kind to begin. The caller checks again once the guard has begun
    /// (invariant 2).
    #[inline]
    pub(crate) fn admit(&self, kind: GuardKind) -> Result<(), Blocker> {
        // Relaxed: invariant 2.
        admit(self.0.load(Ordering::Relaxed), kind)
    }

    /// Whether there is neither a pin nor a tensor that might be in the way of a guard of this kind.
    #[inline(always)]
    pub(crate) fn is_clear_for(&self, kind: GuardKind) -> bool {
        // Acquire as in `admit_beside_tensors`.
        self.0.load(Ordering::Acquire) & mask(kind) == 0
    }

    /// Decides whether a pin and the tensors allow a guard of this kind, which has begun (invariant 2), or whose caller
    /// has `&mut` to the cell (invariant 3).
    #[inline]
    pub(crate) fn admit_beside_tensors(&self, kind: GuardKind) -> Result<(), Blocker> {
        // Acquire pairs with the Release of the tensors that have ended.
        let word = self.0.load(Ordering::Acquire);
        if word & mask(kind) == 0 { Ok(()) } else { refuse(word, kind) }
    }

    /// Counts a tensor. The caller keeps a view of the same access counted until this returns.
    #[allow(dead_code, reason = "only the feature `dlpack` makes tensors")]
    pub(crate) fn begin_tensor(&self, access: ViewKind) -> Result<(), Blocker> {
        let may_write = if access == ViewKind::Writable { TENSORS_WRITE } else { 0 };
        // Relaxed, as everything here: the release of the caller's view orders it before the guards that read it
        // (invariant 2).
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let tensors = word >> TENSOR_SHIFT;
            if tensors == MAX_TENSORS {
                return Err(Blocker::Full);
            }
            // What earlier tensors could write no longer matters when all tensors have ended.
            let before = if tensors == 0 { word & !TENSORS_WRITE } else { word };
            let next = (before | HAD_TENSORS | may_write) + TENSOR_ONE;
            match self.0.compare_exchange_weak(word, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => word = now,
            }
        }
    }

    /// Ends a tensor, on any thread.
    #[allow(dead_code, reason = "only the feature `dlpack` makes tensors")]
    pub(crate) fn end_tensor(&self) {
        // Release pairs with the Acquire of the guard that next finds no tensor: the consumer no longer uses the
        // memory.
        self.0.fetch_sub(TENSOR_ONE, Ordering::Release);
    }

    /// How many tensors are alive.
    pub(crate) fn tensors(&self) -> u32 {
        self.0.load(Ordering::Relaxed) >> TENSOR_SHIFT
    }

    /// Whether there ever was a tensor. A caller that finds a closing underway sees the tensors of all views before it.
    pub(crate) fn had_tensors(&self) -> bool {
        self.0.load(Ordering::Relaxed) & HAD_TENSORS != 0
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed) & READ != 0
    }
}

#[inline]
fn admit(word: u32, kind: GuardKind) -> Result<(), Blocker> {
    if word & pins(kind) == 0 { Ok(()) } else { Err(Blocker::Pinned { writable: word & WRITTEN != 0 }) }
}

/// The bit of the pin that is in the way of a guard.
#[inline]
const fn pins(kind: GuardKind) -> u32 {
    match kind {
        // A consumer that has kept the address of a writable view may be writing.
        GuardKind::Read => WRITTEN,
        GuardKind::Share => 0,
        GuardKind::Write | GuardKind::Closed => READ,
    }
}

/// The bits of the pin and of the tensors that may be in the way of a guard.
#[inline]
const fn mask(kind: GuardKind) -> u32 {
    match kind {
        GuardKind::Share => pins(kind),
        GuardKind::Read | GuardKind::Write | GuardKind::Closed => pins(kind) | MAX_TENSORS << TENSOR_SHIFT,
    }
}

/// Why a pin or tensors refuse a guard. Tensors that only read do not exclude readers.
#[cold]
#[inline(never)]
fn refuse(word: u32, kind: GuardKind) -> Result<(), Blocker> {
    admit(word, kind)?;
    match kind {
        GuardKind::Read if word & TENSORS_WRITE == 0 => Ok(()),
        _ => Err(Blocker::Tensors(word >> TENSOR_SHIFT)),
    }
}
