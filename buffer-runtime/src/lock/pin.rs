//! Remembers that a view was granted, after it has ended: some consumers keep the address and release the view.
//!
//! No count covers such consumers. So memory that was viewed once through a class with `pin` never moves again. A `Pin`
//! stands beside a lock and relies on it:
//!
//! 1. It is set while the view is counted and the cell is borrowed to grant it, before the consumer learns the address.
//! 2. A caller with a shared reference to the cell reads the pin after its guard has begun. The guard excludes the
//!    views in question (block invariant 8). Both locks order what was done under a view before a guard that the end of
//!    this view has admitted: the release of a view is a Release and the begin of a guard an Acquire, or both are
//!    attached to one GIL. So Relaxed is enough here: the caller sees the pin of every view that has ended, and no
//!    other such view begins before the guard ends.
//! 3. A caller with `&mut` to the cell may read the pin at any time: the borrows under which views were granted are
//!    over.
//! 4. It is never lowered.
//! 5. It does not change between the begin and the end of a closing, since no view is counted then. So all threads that
//!    find one closing underway read the same value.

use super::atomic::{AtomicU8, Ordering};
use super::{Blocker, GuardKind, ViewKind};

const UNSEEN: u8 = 0;
const READ: u8 = 1;
const WRITTEN: u8 = 2;

/// The most access that any view so far had. Invariant 4.
#[derive(Debug)]
pub(crate) struct Pin(AtomicU8);

impl Pin {
    pub(crate) fn new() -> Self {
        Self(AtomicU8::new(UNSEEN))
    }

    /// Records a view that is granted. The caller keeps the view counted until this returns.
    #[inline(always)]
    pub(crate) fn set(&self, access: ViewKind) {
        let seen = match access {
            ViewKind::ReadOnly => READ,
            ViewKind::Writable => WRITTEN,
        };
        // Almost every view finds the value already set: avoid the read-modify-write.
        if self.0.load(Ordering::Relaxed) < seen {
            self.0.fetch_max(seen, Ordering::Relaxed);
        }
    }

    /// Decides whether a guard of this kind may begin. The caller checks again once the guard has begun (invariant 2).
    #[inline]
    pub(crate) fn admit(&self, kind: GuardKind) -> Result<(), Blocker> {
        let seen = self.0.load(Ordering::Relaxed);
        let in_the_way = match kind {
            // A consumer that has kept the address of a writable view may be writing.
            GuardKind::Read => seen == WRITTEN,
            GuardKind::Share => false,
            GuardKind::Write | GuardKind::Closed => seen != UNSEEN,
        };
        if in_the_way { Err(Blocker::Pinned { writable: seen == WRITTEN }) } else { Ok(()) }
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed) != UNSEEN
    }
}
