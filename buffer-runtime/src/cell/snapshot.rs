//! Writing whoever looks: the views keep the old memory, and the cell goes on with a copy.

use std::mem;
use std::ptr::NonNull;

use super::{ExportCell, WriteGuard};
use crate::error::{Attempt, BorrowError};
use crate::lock::{Blocker, GuardKind};
use crate::storage::{Captured, Replaceable};

impl<S: Replaceable> ExportCell<S> {
    /// As [`get_mut`](Self::get_mut), but never refused because of views: if any are alive, they keep the memory as it is now,
    /// and the cell goes on with a copy of the elements (copy on write).
    ///
    /// For programs whose readers must not stop the writer. Every view shows the storage as it was when the view was granted,
    /// with whatever Python writes there afterwards; the next view shows the new one. The old memory is freed with the last of
    /// its views. Without views nothing is copied.
    ///
    /// Python may write while the copy is made, and the copy may then have some of that and not the rest. Elements are not
    /// torn where [`Shared`](crate::Shared) does not tear them.
    ///
    /// It takes `&mut self`, which a class has that is not `frozen`; while a `&mut self` method runs, its object grants no
    /// views.
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
    /// A guard was leaked, the cell is closed or [pinned](Self::is_pinned), or there is no memory for a copy. The cell is
    /// unchanged then.
    pub fn write_or_detach(&mut self) -> Result<WriteGuard<'_, S>, BorrowError> {
        match self.begin_exclusive(GuardKind::Write, Attempt::Write) {
            Ok(()) => {}
            Err(error) if error.views() > 0 => {
                let copy = self.copy().ok_or(BorrowError::new(Attempt::Write, Blocker::OutOfMemory))?;
                // Views that have ended in the meantime leave it to this cell to drop the old storage.
                drop(mem::replace(self, Self::new(copy)));
                self.begin_exclusive(GuardKind::Write, Attempt::Write)?;
            }
            Err(error) => return Err(error),
        }
        Ok(WriteGuard::new(self))
    }

    /// A storage of copies of the elements. The cell has views and no guards.
    fn copy(&mut self) -> Option<S> {
        let header = self.header();
        let memory = header.memory();
        // SAFETY: what was captured is never null (Storage, clause 1).
        let data = unsafe { NonNull::new_unchecked(header.data()) };
        let captured = Captured { data, len: memory.len, row_len: memory.row_len.unwrap_or(0) };
        // SAFETY: no guard is alive, not even a leaked one beside views of this kind, so that the storage is where it was
        // captured (invariant 2); and none can begin while the cell is borrowed mutably. So nobody refers to the elements (invariants
        // 3 and 8), and Python has read-only views where not every bit pattern is one (`export::descriptor`).
        unsafe { S::copy_of(captured) }.ok()
    }
}
