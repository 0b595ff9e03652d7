//! What a tensor holds of a cell, from its export to its end on any thread.

use super::Grant;
use super::lease::Lease;
use crate::lock::Blocker;

/// Counts a tensor, and keeps its memory alive and in place. It holds the block, not the Python object.
///
/// It may be dropped on any thread at any time, attached or not, in a forked child, and after the interpreter has
/// ended. The drop only takes atomic steps, and frees the block if nothing else holds it (see `lease`).
pub(crate) struct TensorHold {
    /// Dropped after the tensor was uncounted.
    lease: Lease,
}

impl TensorHold {
    /// Counts a tensor with the access of a view, which is released later.
    ///
    /// # Errors
    ///
    /// The count is full.
    pub(crate) fn begin(view: &Grant<'_>) -> Result<Self, Blocker> {
        let ticket = view.ticket();
        view.header().pin.begin_tensor(ticket.access)?;
        // SAFETY: a grant borrows the owner.
        Ok(Self { lease: unsafe { Lease::of(ticket.block) } })
    }
}

impl Drop for TensorHold {
    fn drop(&mut self) {
        // End the count first, then the lease, which may free the count.
        self.lease.header().pin.end_tensor();
    }
}
