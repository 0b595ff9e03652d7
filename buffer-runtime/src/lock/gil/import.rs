//! The steps of imported memory, which belongs to another exporter until it is adopted. Its block holds a read guard,
//! which counts as that of a stable view although such memory grants none.

use super::{GUARDS, Lock, TRACED, one_guard, unpack};
use crate::lock::atomic::Ordering;
use crate::lock::{Blocker, GuardKind};

impl Lock {
    /// Begins the read guard of imported memory, which no drop ends. The lock must be new.
    pub(crate) fn begin_import(&self) -> Result<(), Blocker> {
        self.begin_stable(|| self.begin_beside_others(GuardKind::Read))
    }

    /// Turns the read guard of imported memory into a write guard, if nothing else is alive. `false` if the memory is
    /// not imported. Attached, or for a caller that has the owner by `&mut`.
    pub(crate) fn adopt(&self) -> Result<bool, Blocker> {
        // Begin a read guard for this caller: until it ends, imported memory stays imported. The Acquire of this step
        // pairs with the Release of the write guard under which `stable` was set to 0.
        self.begin_beside_others(GuardKind::Read)?;
        if self.stable.load(Ordering::Relaxed) == 0 {
            self.end();
            return Ok(false);
        }
        let views = unpack(self.views.load(Ordering::Acquire));
        let mut held = self.guards.load(Ordering::Relaxed);
        // By invariants 2 and 3 no view and no guard begins meanwhile, but guards may end.
        while views.total() == 0 && held & GUARDS == 2 {
            let next = one_guard(GuardKind::Write) | held & TRACED;
            // Acquire pairs with the Release of the guards that have ended.
            match self.guards.compare_exchange(held, next, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => {
                    self.stable.store(0, Ordering::Relaxed);
                    return Ok(true);
                }
                Err(now) => held = now,
            }
        }
        self.end();
        Err(Blocker::of_adoption(views, held & GUARDS))
    }

    /// Undoes [`adopt`](Self::adopt).
    pub(crate) fn abandon_adoption(&self) {
        self.stable.store(1, Ordering::Relaxed);
        let traced = self.guards.load(Ordering::Relaxed) & TRACED;
        // A store, and a Release, as in `end_write`.
        self.guards.store(one_guard(GuardKind::Read) | traced, Ordering::Release);
    }
}
