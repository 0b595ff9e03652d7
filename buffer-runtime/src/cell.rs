//! `ExportCell`: storage that Python may view and Rust may borrow, under one lock.

mod address;
mod answered;
mod asked;
mod began;
mod block;
mod closing;
mod constructed;
mod denied;
mod dropped;
#[cfg(fuzzing)]
pub mod fuzz;
mod grant;
mod guard;
#[cfg(feature = "pickle")]
mod imported;
mod lease;
mod loops;
mod not_storage;
mod not_value;
pub(crate) mod orphans;
mod owned_guard;
mod part_ticket;
mod part_view;
mod published;
mod shared_row;
mod snapshot;
mod spare;
mod stable;
mod still;
#[cfg(feature = "dlpack")]
mod tensor;
#[cfg(test)]
pub(crate) mod tests;
mod ticket;
mod unconstructed;

use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;

use pyo3::Python;

pub(crate) use self::began::GuardPlace;
pub(crate) use self::block::Header;
pub use self::constructed::{Because, Constructed, Field, GuardsOfExportCell, Unexportable, UnknownGuard};
pub(crate) use self::denied::{Denied, NotAtOnce};
pub(crate) use self::grant::{Grant, grant, grant_at_once};
pub use self::guard::{ReadGuard, ShareGuard, WriteGuard};
#[cfg(feature = "pickle")]
pub use self::imported::SharedReadGuard;
pub use self::owned_guard::OwnedShareGuard;
pub(crate) use self::part_ticket::PartTicket;
pub(crate) use self::part_view::{Again, PartGrant, PartView, Unmoved, counted};
#[cfg(feature = "dlpack")]
pub(crate) use self::published::Published;
pub(crate) use self::published::{Description, SharedFields};
pub use self::shared_row::SharedRow;
pub(crate) use self::stable::StableTicket;
#[cfg(not(atomic_lock))]
pub(crate) use self::stable::hand_out_at_once;
#[cfg(feature = "dlpack")]
pub(crate) use self::tensor::TensorHold;
pub(crate) use self::ticket::Ticket;

use self::block::Block;
use crate::error::{Attempt, BorrowError, Held};
use crate::lock::{Blocker, GuardKind};
#[cfg(feature = "pickle")]
use crate::memory::NoMemory;
use crate::storage::{Access, Exportable, MayWrite};

/// Storage that Python may view, and that moves only while it has no views.
///
/// A cell is the field that `#[derive(ExportBuffer)]` exports. It gives access to the memory in four ways, and refuses
/// combinations that conflict:
///
/// | held                 | new Python view | [`write`](Self::write) | [`read`](Self::read) | [`share`](Self::share) |
/// |----------------------|-----------------|---------|--------|---------|
/// | nothing              | yes             | yes     | yes    | yes     |
/// | a writable view      | yes             | no      | no     | yes     |
/// | a read-only view     | yes             | no      | yes    | yes     |
/// | a read guard         | read-only       | no      | yes    | no      |
/// | a share guard        | yes             | no      | no     | yes     |
/// | a write guard        | no              | no      | no     | no      |
///
/// A stable view, which [`StableView`](crate::StableView) requests, counts as a read-only view and as a read guard.
///
/// Nothing here blocks. A refusal is a [`BorrowError`], which `?` turns into Python's `BufferError`, and changes
/// nothing. With the feature `dlpack`, a tensor that a consumer of DLPack holds counts as a view, writable or
/// read-only, and errors name it as they name views: `cannot resize: 1 tensor is alive; ...`.
///
/// A view of memory that Python may write counts as writable, whether or not its consumer intends to write. Views are
/// read-only in a class declared `readonly`, and while a read guard is alive.
///
/// The memory itself is in a block on the heap. The cell, the last view or the last [`OwnedShareGuard`] frees the
/// block, whichever ends last. So a cell may be moved, swapped and dropped at any time, on any thread, and views stay
/// valid.
///
/// A cell is not the storage itself. To `push` or `clear`, call [`write`](Self::write) or, with `&mut` and no token,
/// [`get_mut`](Self::get_mut). To index or iterate, call [`read`](Self::read) or [`share`](Self::share). Guards may be
/// sent to other threads, and used and dropped there, attached or not. Drop a write guard before calling Python code
/// that may request a view. A leaked guard ([`std::mem::forget`]) never ends: whatever it excludes is refused from then
/// on.
///
/// In a forked child process, guards and views that other threads of the parent held at the time of the fork are
/// counted too, and never end. Errors in the child mention this; a new object is not affected.
///
/// Assigning another cell to the field is not refused while views are alive: these views continue to show the old
/// memory, which lives as long as they do.
///
/// To change the storage even while views are alive, see [`write_or_detach`](Self::write_or_detach). To release the
/// storage before the object dies, see [`close`](Self::close), [`take`](Self::take) and [`detach`](Self::detach).
///
/// ```
/// use buffer_runtime::ExportCell;
///
/// let mut cell = ExportCell::new(vec![1.0_f32, 2.0]);
/// cell.get_mut()?.push(3.0);
/// assert_eq!(cell.len(), 3);
/// assert_eq!(cell.views(), 0);
/// # Ok::<(), buffer_runtime::BorrowError>(())
/// ```
// `?Sized`, so that a storage without a size is reported once and not wherever the type is named.
pub struct ExportCell<S: ?Sized> {
    /// A `Block<S>`. NULL only in a cell that was never constructed. Such a cell is a closed one; see `unconstructed`.
    block: *mut Header,
    /// Owned, and invariant: `&ExportCell` writes storages. If a cell of `S` could be used as one of a supertype of
    /// `S`, code could write a supertype's storage and read it as `S`; and the two may have different elements. The
    /// guards are invariant because they borrow a cell. The test `ui/variance.rs` checks it.
    owns: PhantomData<UnsafeCell<S>>,
}

// SAFETY: `construct` requires an Exportable, so the storage of every existing cell is one. Sending a cell sends its
// storage, which is Send. Its elements, which views and guards on other threads access, are Send and Sync. Everything
// else in the block is atomic or under the lock (block invariants 4 and 7). The impl has no bound, so that an error
// about a storage is reported once and not four times.
unsafe impl<S: ?Sized> Send for ExportCell<S> {}
// SAFETY: as above. `&ExportCell` gives references to the storage only under the write guard, to one thread at a time.
unsafe impl<S: ?Sized> Sync for ExportCell<S> {}

impl<S> ExportCell<S> {
    /// Moves a storage, which is an [`Exportable`], into a cell. As `Box::new` does, this ends the process if there is
    /// no memory for the block. (What a `Vec` points to is not moved.)
    // The type parameters improve the compiler's errors; see `constructed`.
    pub fn new<E, Why>(storage: S) -> Self
    where
        Self: Constructed<E, S, Why>,
    {
        Self::construct(storage)
    }

    /// As [`new`](Self::new), unless there is no memory for the block.
    #[cfg(feature = "pickle")]
    pub(crate) fn try_new(storage: S) -> Result<Self, NoMemory>
    where
        S: Exportable,
    {
        const { crate::element::check::<S::Element>() }
        Ok(Self { block: Block::header(Block::try_allocate(storage)?).as_ptr(), owns: PhantomData })
    }
}

impl<S: Exportable> ExportCell<S> {
    /// What a mutable borrow of the storage is for.
    const WRITING: Attempt = if S::Access::READONLY {
        Attempt::Replace
    } else if S::RESIZABLE {
        Attempt::Resize
    } else {
        Attempt::Write
    };

    /// Borrows the storage itself, so that it may grow, shrink and move. No view begins until the guard is dropped.
    ///
    /// To change only values, even while views are alive, use [`share`](Self::share).
    ///
    /// # Errors
    ///
    /// Any view or guard is alive, or the cell is closed: `cannot resize: 1 writable view is alive; ...`, or `cannot
    /// borrow for writing: ...` if the storage is not [`RESIZABLE`](crate::Storage::RESIZABLE).
    #[must_use = "the memory is unlocked as soon as the guard in the result is dropped; write `let mut data = ..?`"]
    #[track_caller]
    pub fn write(&self, py: Python<'_>) -> Result<WriteGuard<'_, S>, BorrowError> {
        let _ = py;
        self.begin(GuardKind::Write, Self::WRITING)?;
        Ok(WriteGuard::new(self))
    }

    /// Borrows the elements as a slice that nothing changes. While the guard is alive, new views are read-only.
    ///
    /// The guard may be sent to other threads and used while detached.
    ///
    /// # Errors
    ///
    /// A writable view, a share guard or a write guard is alive, or the cell is closed. `np.asarray` of a class that is
    /// not `readonly` is a writable view: where that must not stop a computation, use [`share`](Self::share).
    #[must_use = "the memory is unlocked as soon as the guard in the result is dropped; write `let data = ..?`"]
    #[track_caller]
    pub fn read(&self, py: Python<'_>) -> Result<ReadGuard<'_, S>, BorrowError> {
        let _ = py;
        self.begin(GuardKind::Read, Attempt::Read)?;
        Ok(ReadGuard::new(self))
    }

    /// Borrows the elements for access beside others that read and write them: loads and stores are relaxed atomics.
    ///
    /// For example, a simulation updates in place what numpy shows. The guard may be sent to other threads and used
    /// while detached. A storage that is [`ReadOnly`](crate::ReadOnly) does not need it, and cannot be borrowed like
    /// this.
    ///
    /// # Errors
    ///
    /// A read guard or a write guard is alive, or the cell is closed.
    #[must_use = "the memory is unlocked as soon as the guard in the result is dropped; write `let data = ..?`"]
    #[track_caller]
    pub fn share(&self, py: Python<'_>) -> Result<ShareGuard<'_, S>, BorrowError>
    where
        S::Access: MayWrite,
    {
        let _ = py;
        self.begin(GuardKind::Share, Attempt::Share)?;
        Ok(ShareGuard::new(self))
    }

    /// As [`share`](Self::share), but the guard holds the memory and not the cell: a thread that outlives this call may
    /// keep it. For example, a thread of Rust fills a buffer while Python reads it.
    ///
    /// The guard is `Send`, `Sync` and `'static`, and needs no reference to the Python object. The object may die
    /// first, and so may the cell and the module. The memory is freed when the last view or guard has ended. Until
    /// then, the guard counts as any share guard: `write`, `read` and `close` are refused, and views are granted. A
    /// guard that is forgotten ([`std::mem::forget`]) keeps its memory for ever.
    ///
    /// Dropping the guard needs no GIL. So the thread that has it need not attach to Python, need not be joined, and
    /// may still run when the interpreter exits.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// use std::thread;
    ///
    /// use buffer_runtime::{ExportBuffer, ExportCell};
    /// use pyo3::prelude::*;
    ///
    /// /// The newest samples of a device. `np.asarray(scope)` shows them while they change.
    /// #[derive(ExportBuffer)]
    /// #[pyclass(frozen)]
    /// struct Scope {
    ///     #[buffer]
    ///     samples: ExportCell<Vec<f32>>,
    ///     stopped: Arc<AtomicBool>,
    /// }
    ///
    /// #[pymethods]
    /// impl Scope {
    ///     #[new]
    ///     fn new(len: usize) -> Self {
    ///         Self { samples: ExportCell::new(vec![0.0; len]), stopped: Arc::default() }
    ///     }
    ///
    ///     /// Starts a thread that writes the samples until `stop` is called or the object dies. Call it once.
    ///     fn start(&self, py: Python<'_>) -> PyResult<()> {
    ///         let samples = self.samples.share_owned(py)?;
    ///         let stopped = Arc::clone(&self.stopped);
    ///         thread::spawn(move || {
    ///             let mut time = 0.0_f32;
    ///             while !stopped.load(Ordering::Relaxed) {
    ///                 for index in 0..samples.len() {
    ///                     samples.set(index, (time + index as f32).sin());
    ///                 }
    ///                 time += 0.1;
    ///             }
    ///             // Here the guard ends, and the samples may be resized again.
    ///         });
    ///         Ok(())
    ///     }
    ///
    ///     fn stop(&self) {
    ///         self.stopped.store(true, Ordering::Relaxed);
    ///     }
    /// }
    ///
    /// impl Drop for Scope {
    ///     fn drop(&mut self) {
    ///         self.stop();
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`share`](Self::share).
    #[track_caller]
    pub fn share_owned(&self, py: Python<'_>) -> Result<OwnedShareGuard<S>, BorrowError>
    where
        S::Access: MayWrite,
    {
        let _ = py;
        self.begin(GuardKind::Share, Attempt::Share)?;
        Ok(OwnedShareGuard::new(self))
    }

    /// Borrows the storage itself, without a token, for a caller with exclusive access to the cell.
    ///
    /// # Errors
    ///
    /// Any view or [owned guard](Self::share_owned) is alive, a guard was leaked, or the cell is closed.
    #[must_use = "the memory is unlocked as soon as the guard in the result is dropped; write `let mut data = ..?`"]
    #[track_caller]
    pub fn get_mut(&mut self) -> Result<WriteGuard<'_, S>, BorrowError> {
        self.begin_exclusive(GuardKind::Write, Self::WRITING)?;
        Ok(WriteGuard::new(self))
    }

    #[inline]
    #[track_caller]
    fn begin(&self, kind: GuardKind, attempt: Attempt) -> Result<(), BorrowError> {
        // No closure: the place of a guard that begins in `refuse` would be here.
        let Some(address) = self.own_address() else { return Err(Self::refuse_unconstructed(attempt)) };
        // SAFETY: as in `header`.
        match unsafe { address.as_ref() }.begin(kind) {
            Ok(()) => Ok(()),
            Err(blocker) => self.refuse(kind, attempt, blocker),
        }
    }

    #[track_caller]
    fn begin_exclusive(&mut self, kind: GuardKind, attempt: Attempt) -> Result<(), BorrowError> {
        // As in `begin`.
        let Some(address) = self.own_address() else { return Err(Self::refuse_unconstructed(attempt)) };
        // SAFETY: as in `header`.
        match unsafe { address.as_ref() }.begin_exclusive(kind) {
            Ok(()) => Ok(()),
            Err(blocker) => self.refuse(kind, attempt, blocker),
        }
    }

    /// The error of a guard of a cell without a block. Guards that begin do not pay for the stand-in.
    #[cold]
    #[inline(never)]
    fn refuse_unconstructed(attempt: Attempt) -> BorrowError {
        BorrowError::new(attempt, Blocker::Closed, Held::Unknown)
    }

    /// The error of a guard that is refused. If the memory is imported, copies it instead, and begins the guard.
    #[inline(always)]
    #[track_caller]
    fn refuse(&self, kind: GuardKind, attempt: Attempt, blocker: Blocker) -> Result<(), BorrowError> {
        #[cfg(feature = "pickle")]
        if S::IMPORTS {
            return self.begin_of_own(kind, attempt, blocker);
        }
        let _ = kind;
        Err(self.header().refused(attempt, blocker))
    }
}

impl<S: Exportable + Default> Default for ExportCell<S> {
    fn default() -> Self {
        Self::new(S::default())
    }
}

impl<S: Exportable> From<S> for ExportCell<S> {
    fn from(storage: S) -> Self {
        Self::new(storage)
    }
}

impl<S: Exportable> fmt::Debug for ExportCell<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportCell")
            .field("len", &self.len())
            .field("views", &self.views())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
