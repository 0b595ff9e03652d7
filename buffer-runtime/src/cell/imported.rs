//! Cells whose memory may be that of another exporter: how the memory becomes the cell's own, and how Rust reads it
//! until then.

use std::ops::Deref;
use std::{fmt, slice};

use pyo3::Python;

use super::block::Block;
use super::{ExportCell, Header, OwnedShareGuard, ReadGuard, ShareGuard};
use crate::element::Element;
use crate::error::{Attempt, BorrowError};
use crate::lock::{Beside, Blocker, GuardKind};
use crate::shared::{Shared, SharedRead};
use crate::storage::{Exportable, VecOrImported};

impl<S: Exportable> ExportCell<S> {
    /// Copies imported memory to memory of the cell's own, under a write guard, which has begun when this returns.
    /// `false` if the memory is not imported; then no guard has begun.
    ///
    /// Attached, or for a caller that has the cell by `&mut`.
    #[cold]
    #[inline(never)]
    #[track_caller]
    pub(super) fn adopt(&self) -> Result<bool, BorrowError> {
        let header = self.header();
        let refused = |blocker: Blocker| header.refused(Attempt::Replace, blocker.naming_import());
        let Header { lock, pin, .. } = header;
        // As for any write guard (`Header::begin`): the pin first, and again under the guard, where the result is
        // final.
        pin.admit(GuardKind::Write).map_err(refused)?;
        if !lock.adopt().map_err(refused)? {
            return Ok(false);
        }
        // Before the copy, which may run Python code: errors there name this guard.
        header.note_guard(Beside::NoGuard);
        let owned = pin.admit_beside_tensors(GuardKind::Write).and_then(|()| {
            // SAFETY: the write guard has begun, so the cell was constructed.
            let block = unsafe { self.block() };
            // SAFETY: the cell keeps its block alive.
            let storage = unsafe { Block::storage(block) };
            // SAFETY: under the write guard no other reference to the storage exists (invariants 3 and 8).
            unsafe { &mut *storage }.make_own().map_err(|_| Blocker::OutOfMemory)
        });
        if let Err(blocker) = owned {
            lock.abandon_adoption();
            return Err(refused(blocker));
        }
        // SAFETY: the write guard has begun, so the cell was constructed.
        let block = unsafe { self.block() };
        // SAFETY: the cell keeps its block alive, and this is the write guard (invariant 2).
        unsafe { Block::capture(block) };
        Ok(true)
    }

    /// As `begin`, after that was refused: first copies imported memory to memory of the cell's own.
    #[cold]
    #[inline(never)]
    #[track_caller]
    pub(super) fn begin_of_own(&self, kind: GuardKind, attempt: Attempt, blocker: Blocker) -> Result<(), BorrowError> {
        let header = self.header();
        if !matches!(blocker, Blocker::StableViews { .. }) || !self.adopt()? {
            return Err(header.refused(attempt, blocker.naming_import()));
        }
        if kind == GuardKind::Write {
            return Ok(());
        }
        header.lock.end_write();
        header.begin(kind).map_err(|blocker| header.refused(attempt, blocker.naming_import()))
    }

    /// Copies imported memory, and leaves the cell without a guard.
    #[track_caller]
    pub(super) fn make_own(&self) -> Result<(), BorrowError> {
        if self.adopt()? {
            self.header().lock.end_write();
        }
        Ok(())
    }
}

impl<T: Element> ExportCell<VecOrImported<T>> {
    /// Borrows the elements to read them, wherever they are, even if other code writes them: loads are relaxed atomics.
    ///
    /// Nothing is copied. If the memory is imported, the guard is like a read guard; otherwise it is like a guard of
    /// [`share`](Self::share). Views are granted meanwhile. The guard may be sent to other threads and used while
    /// detached.
    ///
    /// # Errors
    ///
    /// A write guard is alive, or the cell is closed.
    #[must_use = "the memory is unlocked as soon as the guard in the result is dropped; write `let data = ..?`"]
    #[track_caller]
    pub fn share_read(&self, py: Python<'_>) -> Result<SharedReadGuard<'_, T>, BorrowError> {
        let _ = py;
        let header = self.header();
        // Either guard excludes writers that would move the memory. Do not call `share`, which would copy imported
        // memory.
        let begun = header.begin(GuardKind::Share).or_else(|_| header.begin(GuardKind::Read));
        begun.map_err(|blocker| header.refused(Attempt::Read, blocker.naming_import()))?;
        // SAFETY: the guard has begun, and the value below ends it. The handle lives as long as that value, which gives
        // out references to it alone; meanwhile the elements do not move (invariant 2), and no mutable reference to
        // them exists (invariants 3 and 8). Every write leaves a valid element: imported ones are `Viewable`.
        let elements = unsafe { SharedRead::new(header.data().cast(), header.len()) };
        Ok(SharedReadGuard { cell: self, elements })
    }

    /// Whether the elements are in the memory of another exporter, in which they have arrived.
    pub fn is_imported(&self) -> bool {
        self.header().lock.stable_views() > 0
    }
}

impl<T: Element> ReadGuard<'_, VecOrImported<T>> {
    /// The elements as a slice that nothing changes; `None` if they are in imported memory, which others may change.
    pub fn as_slice(&self) -> Option<&[T]> {
        let header = self.cell.header();
        // While a read guard is alive, memory does not become imported, and imported memory does not become the cell's
        // own.
        // SAFETY: the elements are those of a `Vec` in the cell. They do not move under a guard (invariant 2), and
        // nothing writes them while a read guard is alive (invariant 8).
        (!self.cell.is_imported()).then(|| unsafe { slice::from_raw_parts(header.data().cast(), header.len()) })
    }
}

/// Under a share guard, the memory is the cell's own.
impl<T: Element> Deref for ShareGuard<'_, VecOrImported<T>> {
    type Target = Shared<T>;

    fn deref(&self) -> &Shared<T> {
        &self.elements
    }
}

/// Under a share guard, the memory is the cell's own.
impl<T: Element> Deref for OwnedShareGuard<VecOrImported<T>> {
    type Target = Shared<T>;

    fn deref(&self) -> &Shared<T> {
        &self.elements
    }
}

/// The elements, to be read beside others that may write them. See [`ExportCell::share_read`].
#[must_use = "the memory is unlocked as soon as the guard is dropped, and `let _ =` drops it at once; write `let data = ..`"]
pub struct SharedReadGuard<'a, T: Element> {
    cell: &'a ExportCell<VecOrImported<T>>,
    elements: SharedRead<T>,
}

impl<T: Element> Deref for SharedReadGuard<'_, T> {
    type Target = SharedRead<T>;

    fn deref(&self) -> &SharedRead<T> {
        &self.elements
    }
}

impl<T: Element> Drop for SharedReadGuard<'_, T> {
    fn drop(&mut self) {
        self.cell.header().lock.end();
    }
}

impl<T: Element> fmt::Debug for SharedReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedReadGuard").field("len", &self.cell.len()).finish_non_exhaustive()
    }
}
