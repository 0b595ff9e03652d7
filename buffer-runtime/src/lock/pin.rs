//! What is remembered of views that are over: that they were, for consumers that keep the address and let the view go.
//!
//! No count can know of those, so memory that was viewed once through a class with `pin` never moves again. A `Pin` stands
//! beside a lock, and leans on it:
//!
//! 1. It is set while a view is counted and the cell is borrowed to grant it, before the consumer knows the address.
//! 2. Who has the cell by reference asks after a guard has begun, which excludes the views that are asked about (block
//!    invariant 8). Both locks make what was done under a view happen before the guard that its end has admitted: the release
//!    of a view is a Release, the begin of a guard an Acquire, or both are attached to one GIL. So Relaxed is enough here: who
//!    asks sees every view that is over, and no other begins before the guard ends.
//! 3. Who has the cell by `&mut` may ask at any time: the borrows that views were granted under are over by then.
//! 4. It never goes back.
//! 5. It does not change between the begin and the end of a closing, since no view is counted then. So all threads that find
//!    one closing underway get the same answer from it.

use super::atomic::{AtomicU8, Ordering};
use super::{Blocker, GuardKind, ViewKind};

const UNSEEN: u8 = 0;
const READ: u8 = 1;
const WRITTEN: u8 = 2;

/// The most that any view so far was allowed to do. Invariant 4.
#[derive(Debug)]
pub(crate) struct Pin(AtomicU8);

impl Pin {
    pub(crate) fn new() -> Self {
        Self(AtomicU8::new(UNSEEN))
    }

    /// A view is granted, which is counted until this returns.
    #[inline(always)]
    pub(crate) fn set(&self, access: ViewKind) {
        let seen = match access {
            ViewKind::ReadOnly => READ,
            ViewKind::Writable => WRITTEN,
        };
        // Nearly every view finds it set.
        if self.0.load(Ordering::Relaxed) < seen {
            self.0.fetch_max(seen, Ordering::Relaxed);
        }
    }

    /// Asks whether a guard of this kind may begin; whether it may stay is asked under it (invariant 2).
    pub(crate) fn admit(&self, kind: GuardKind) -> Result<(), Blocker> {
        let seen = self.0.load(Ordering::Relaxed);
        let in_the_way = match kind {
            // Whoever has the address of a writable view may be writing.
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
