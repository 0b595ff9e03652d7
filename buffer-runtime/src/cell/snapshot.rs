//! Writing while views are alive: the views keep the old memory, and the cell continues with a copy.

use std::mem;
use std::ptr::NonNull;

use super::{ExportCell, Header, WriteGuard};
use crate::error::{BorrowError, Held};
use crate::lock::{Blocker, GuardKind};
use crate::storage::{Captured, Exportable, Replaceable};

impl<S: Exportable> ExportCell<S> {
    /// As [`get_mut`](Self::get_mut), but never refused because of views or tensors. If any are alive, they keep the
    /// memory as it is now, and the cell continues with a copy of the elements (copy on write).
    ///
    /// For programs whose readers must not stop the writer. Every view shows the storage as it was when the view was
    /// granted, including what Python writes there later; the next view shows the new storage. The last view of the old
    /// memory frees it. Without views nothing is copied.
    ///
    /// Python may write while the copy is made. The copy may then contain some of what Python wrote and not the rest.
    /// An element is torn only if [`Shared`](crate::Shared) would tear it.
    ///
    /// It takes `&mut self`, which only methods of a class that is not `frozen` have. While a `&mut self` method runs,
    /// its object grants no views.
    ///
    /// ```
    /// # use buffer_runtime::{ExportBuffer, ExportCell};
    /// # use pyo3::prelude::*;
    /// #[derive(ExportBuffer)]
    /// #[pyclass]
    /// struct Log {
    ///     lines: ExportCell<Vec<u8>>,
    /// }
    ///
    /// #[pymethods]
    /// impl Log {
    ///     /// Arrays of the log that are alive show what was in it before.
    ///     fn append(&mut self, line: &[u8]) -> PyResult<()> {
    ///         self.lines.write_or_detach()?.extend_from_slice(line);
    ///         Ok(())
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// An [owned guard](Self::share_owned) is alive, whose thread would continue with the old memory; a guard was
    /// leaked; the cell is closed or [pinned](Self::is_pinned); or there is no memory for a copy. The cell is then
    /// unchanged.
    #[must_use = "the memory is unlocked as soon as the guard in the result is dropped; write `let mut data = ..?`"]
    #[track_caller]
    // The bound is not on the implementation, so that its own message is shown.
    pub fn write_or_detach(&mut self) -> Result<WriteGuard<'_, S>, BorrowError>
    where
        S: Replaceable,
    {
        match self.begin_exclusive(GuardKind::Write, Self::WRITING) {
            Ok(()) => {}
            Err(error) if error.views() > 0 || error.tensors() > 0 => {
                let copy = self.copy().ok_or(BorrowError::new(Self::WRITING, Blocker::OutOfMemory, Held::Unknown))?;
                // If all views have ended in the meantime, this drop of the old cell drops the old storage.
                drop(mem::replace(self, Self::new(copy)));
                self.begin_exclusive(GuardKind::Write, Self::WRITING)?;
            }
            Err(error) => return Err(error),
        }
        Ok(WriteGuard::new(self))
    }

    /// A storage with copies of the elements. The cell has views or tensors, and no guards but those of stable views.
    fn copy(&mut self) -> Option<S>
    where
        S: Replaceable,
    {
        let header = self.header();
        // SAFETY: the cell keeps its block alive.
        let memory = unsafe { Header::memory(self.address()) };
        // SAFETY: what was captured is never null (Storage, clause 1).
        let data = unsafe { NonNull::new_unchecked(header.data()) };
        let captured = Captured { data, len: memory.len, row_len: memory.row_len.unwrap_or(0) };
        // SAFETY: no guard is alive but those of stable views, not even a leaked or an owned one, which are reported
        // before views and tensors. So the storage is where it was captured (invariant 2); and none can begin while the
        // cell is borrowed mutably. So no reference to the elements exists (invariants 3 and 8) but shared ones of
        // stable views, beside which nobody writes, and handles of imported memory, which load atomically; and Python
        // has only read-only views if not every bit pattern is valid (`export::descriptor`).
        unsafe { S::copy_of(captured) }.ok()
    }
}
