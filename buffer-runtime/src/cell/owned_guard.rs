//! The share guard that holds the memory itself, for threads that outlive the call which started them.

use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;

use super::guard::shared;
use super::lease::Lease;
use super::{ExportCell, Header};
use crate::shared::Shared;
use crate::storage::{Exportable, Storage};

/// A [`ShareGuard`](super::ShareGuard) without a lifetime: it holds the memory, not the cell. See
/// [`ExportCell::share_owned`].
///
/// It is `Send`, `Sync` and `'static`. It may be dropped on any thread at any time, attached or not, even after the
/// interpreter has ended. The drop neither attaches nor waits.
#[must_use = "the memory is shared only as long as the guard is alive"]
pub struct OwnedShareGuard<S: Exportable> {
    /// Empty if rows are allocated one by one.
    pub(super) elements: Shared<S::Element>,
    /// Dropped after the guard has ended.
    lease: Lease,
}

impl<S: Exportable> OwnedShareGuard<S> {
    /// The caller has just begun a share guard of the cell.
    pub(super) fn new(cell: &ExportCell<S>) -> Self {
        // SAFETY: the cell is borrowed, and it is the owner.
        let lease = unsafe { Lease::of(cell.address()) };
        // SAFETY: the share guard has begun, and this value ends it. The handle lives as long as this value, which only
        // gives out references to it. Meanwhile the lease keeps the block alive.
        let elements = unsafe { shared::<S>(cell.header()) };
        Self { elements, lease }
    }

    pub(super) fn address(&self) -> NonNull<Header> {
        self.lease.address()
    }

    pub(super) fn header(&self) -> &Header {
        self.lease.header()
    }
}

impl<S: Storage> Deref for OwnedShareGuard<S> {
    type Target = Shared<S::Element>;

    fn deref(&self) -> &Shared<S::Element> {
        &self.elements
    }
}

impl<S: Exportable> Drop for OwnedShareGuard<S> {
    fn drop(&mut self) {
        // First the guard, then the lease, which may free the lock.
        self.header().lock.end();
    }
}

impl<S: Exportable> fmt::Debug for OwnedShareGuard<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedShareGuard").field("len", &self.header().len()).finish_non_exhaustive()
    }
}
