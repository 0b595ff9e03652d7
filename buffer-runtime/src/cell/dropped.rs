//! What happens to a block when the cell that owns it is dropped.

use std::mem;
use std::ptr::NonNull;

use super::{ExportCell, Header, orphans};
use crate::contain::undisturbed;
use crate::lock::Disowned;

impl<S: ?Sized> Drop for ExportCell<S> {
    fn drop(&mut self) {
        if !self.block.is_null() {
            // SAFETY: the cell is dropped, once.
            unsafe { disown(self.address(), mem::needs_drop::<S>()) }
        }
    }
}

/// Drops the owner of a block. It does not depend on the storage, so that it is not compiled for each.
///
/// # Safety
///
/// The owner of the block is being dropped.
unsafe fn disown(block: NonNull<Header>, needs_drop: bool) {
    // Free the blocks of other cells that leases have left. Each of these cells was dropped, so their blocks do not
    // accumulate.
    orphans::free_waiting_if_attached();
    // SAFETY: the owner is here, so the block is alive (invariant 10).
    match unsafe { block.as_ref() }.lock.disown() {
        Disowned::LeftToViews => {}
        Disowned::Free => {
            // SAFETY: no view is alive and, by invariant 9, none can begin. Guards that borrow the cell are not in use,
            // and the others have leases.
            let give_up = || unsafe { Header::give_up(block) };
            // Only the storage's drop can run user code.
            if needs_drop { undisturbed(give_up) } else { give_up() }
        }
        // SAFETY: views do not free the block until it is marked as an orphan; its owner is dropped here, once. A lease
        // does not push it, because the hold of the views is there.
        Disowned::Orphaned => unsafe { orphans::leave(block) },
    }
}
