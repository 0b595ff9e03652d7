//! The steps of imported memory, which belongs to another exporter until it is adopted. Its block holds a read guard,
//! which counts as that of a stable view although such memory grants none.

use super::{GUARD_ONE, KIND_MASK, KIND_SHIFT, Lock, VIEW_COUNT, guards_of, views_of};
use crate::lock::atomic::Ordering;
use crate::lock::{Blocker, GuardKind};

impl Lock {
    /// Begins the read guard of imported memory, which no drop ends. The lock must be new.
    pub(crate) fn begin_import(&self) -> Result<(), Blocker> {
        self.begin_stable(|| self.begin_beside_others(GuardKind::Read))
    }

    /// Turns the read guard of imported memory into a write guard, if nothing else is alive. `false` if the memory is
    /// not imported.
    pub(crate) fn adopt(&self) -> Result<bool, Blocker> {
        // Begin a read guard for this caller: until it ends, imported memory stays imported. The Acquire of this step
        // pairs with the Release of the write guard under which `stable` was set to 0.
        self.begin_beside_others(GuardKind::Read)?;
        if self.stable.load(Ordering::Relaxed) == 0 {
            self.end();
            return Ok(false);
        }
        let mut word = self.word.load(Ordering::Relaxed);
        while word & VIEW_COUNT == 0 && guards_of(word) == Some((GuardKind::Read, 2)) {
            let next = ((word & !KIND_MASK) | ((GuardKind::Write as u64) << KIND_SHIFT)) - GUARD_ONE;
            // Acquire pairs with the Release of the views and guards that have ended.
            match self.word.compare_exchange_weak(word, next, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => {
                    self.stable.store(0, Ordering::Relaxed);
                    return Ok(true);
                }
                Err(now) => word = now,
            }
        }
        self.end();
        Err(Blocker::of_adoption(views_of(word), guards_of(word).map_or(0, |(_, count)| count)))
    }

    /// Undoes [`adopt`](Self::adopt).
    pub(crate) fn abandon_adoption(&self) {
        self.stable.store(1, Ordering::Relaxed);
        const { assert!(GuardKind::Read as u64 == 0) }
        // Release as in `end`. The write guard excludes all but TRACED.
        self.word.fetch_and(!KIND_MASK, Ordering::Release);
    }
}
