//! What keeps a block alive: its owner and its views together, and each lease.
//!
//! A lease outlives the owner, as a view does, but may end on any thread, and only takes atomic steps. The counts of
//! views cannot do that: with a GIL only attached threads change them. So a `Holds` beside each lock counts leases:
//!
//! 1. The owner and the views have one hold together. The lock says which of them is the last, and that thread gives
//!    the hold up, once.
//! 2. A lease has one hold. It begins while the owner is borrowed, so the hold of step 1 is there; no lease begins
//!    after that hold was given up. So a count of 1 that a holder reads is final: nobody else is left.
//! 3. The thread that learns that nobody else is left has the last hold. It frees the block, or passes the block on
//!    together with the hold. No other thread touches the block any more.

use super::atomic::{AtomicU32, Ordering};

/// Every lease is also counted as a guard, of which there are fewer than 2^30, or as a tensor, of which there are fewer
/// than 2^28. So this count never overflows.
#[derive(Debug)]
pub(crate) struct Holds(AtomicU32);

impl Holds {
    /// The hold of the owner and its views.
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(1))
    }

    /// Adds the hold of a lease. The caller has the owner borrowed.
    pub(crate) fn add(&self) {
        // Relaxed: the borrow keeps the block alive, and nothing is read because of this number.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives a hold up, on any thread. Returns whether it is the last one, which then stays the caller's. Otherwise the
    /// block may be freed before this returns.
    pub(crate) fn give_up(&self) -> bool {
        // Acquire pairs with the Release below, of all threads that have given up a hold: they no longer use the block.
        if self.0.load(Ordering::Acquire) == 1 {
            return true;
        }
        // Release pairs with the Acquire of the thread that is last: this thread no longer uses the block.
        if self.0.fetch_sub(1, Ordering::Release) != 1 {
            return false;
        }
        // Acquire as above. A load, because ThreadSanitizer does not support fences.
        self.0.load(Ordering::Acquire);
        // Relaxed: no other thread is left to read it. It is 1 again, as if the first load had read 1.
        self.0.store(1, Ordering::Relaxed);
        true
    }
}
