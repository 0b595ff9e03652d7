//! Leases: what keeps a block alive without its cell, the Python object or the module.
//!
//! A guard borrows the cell, and a view ends on an attached thread. A lease does neither: it holds the block, and ends
//! on any thread, attached or not, after the interpreter, during a panic, in a forked child. Ending a lease takes only
//! atomic steps. It never attaches, waits, or runs user code. So a lease that ends last frees its block only if that
//! merely returns memory. Otherwise it pushes the block on the queue of orphans, for an attached thread.
//!
//! A lease by itself prevents nothing: its owner also counts in the lock, as a guard or as a view, and ends that count
//! before the lease.

use std::ptr::NonNull;

use super::block::Header;
use super::orphans;

/// Keeps a block alive. It holds the block, not the cell: the cell may be dropped, swapped or detached.
pub(super) struct Lease(NonNull<Header>);

// SAFETY: all parts of the block that a lease uses are atomic, or never change (block invariant 7). Dropping the
// storage is sound on any thread (Storage, clause 6).
unsafe impl Send for Lease {}
// SAFETY: as above. A shared lease only gives out the header, which is shared by all threads anyway.
unsafe impl Sync for Lease {}

impl Lease {
    /// # Safety
    ///
    /// The owner of the block is borrowed.
    pub(super) unsafe fn of(block: NonNull<Header>) -> Self {
        // SAFETY: the caller vouches for the owner, which keeps its block alive.
        let holds = unsafe { &(*block.as_ptr()).holds };
        holds.add();
        Self(block)
    }

    pub(super) fn address(&self) -> NonNull<Header> {
        self.0
    }

    pub(super) fn header(&self) -> &Header {
        // SAFETY: the lease holds the block (block invariant 10), and references to the header are always shared ones
        // (block invariant 7).
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let block = self.0;
        // SAFETY: the lease holds the block until the next step. Only the count is referenced, which is atomic: another
        // thread may free the block before `give_up` returns (block invariant 6).
        let holds = unsafe { &(*block.as_ptr()).holds };
        if !holds.give_up() {
            return;
        }
        // SAFETY: this lease had the last hold, so the block is alive until this thread frees it.
        if unsafe { block.as_ref() }.kind.drops_plainly {
            // SAFETY: as above (block invariant 10).
            unsafe { Header::destroy(block) };
        } else {
            // SAFETY: as above. The owner is dropped. No one else can push the block: an owner pushes it while it has
            // views, whose hold is given up only after the queue was drained.
            unsafe { orphans::leave(block) };
        }
    }
}
