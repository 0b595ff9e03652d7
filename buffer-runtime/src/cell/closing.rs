//! Ending a cell before its object: what happens to the storage, and to the views that are still alive.

use std::marker::PhantomData;
use std::mem;
use std::thread;

use pyo3::Python;

use super::block::Block;
use super::{ExportCell, Header};
use crate::error::{Attempt, BorrowError};
use crate::lock::{Beside, Blocker, Closing, GuardKind, Lock, Pin};
use crate::memory::NoMemory;
use crate::storage::Exportable;

/// How often a thread checks whether another one has closed a cell. So many checks take much longer than closing.
const LOOKS: usize = 1000;

/// Begins to close, or finds that another thread is closing. If there ever was a tensor, only the other thread decides
/// whether anything is in the way, because a tensor may end meanwhile (pin invariant 5). In that case, this waits for
/// the decision, for a bounded time. The other thread needs nothing from Python.
fn begin_closing(lock: &Lock, pin: &Pin) -> Result<Closing, Blocker> {
    for _ in 0..LOOKS {
        match lock.begin_closing()? {
            Closing::Underway if pin.had_tensors() => thread::yield_now(),
            closing => return Ok(closing),
        }
    }
    Err(Blocker::WriteGuard)
}

impl<S: Exportable> ExportCell<S> {
    /// Moves the storage out and closes the cell for good: later views and borrows are refused with `it is closed`.
    ///
    /// # Errors
    ///
    /// Any view or guard is alive, the memory is [pinned](Self::is_pinned), or the cell is closed already, which
    /// [`is_closed`](Self::is_closed) reports. The cell is then unchanged. If a second call is not a mistake, as in a
    /// `close` method that Python calls, use [`take`](Self::take).
    #[track_caller]
    pub fn close(&self, py: Python<'_>) -> Result<S, BorrowError> {
        let _ = py;
        self.close_attached()
    }

    #[track_caller]
    pub(super) fn close_attached(&self) -> Result<S, BorrowError> {
        let header = self.header();
        #[cfg(feature = "pickle")]
        if S::IMPORTS && header.lock.stable_views() > 0 {
            self.make_own()?;
        }
        let refused = |blocker| header.refused(Attempt::Close, blocker);
        let Header { lock, pin, .. } = header;
        // Check the pin first for the better message, as in `begin`.
        pin.admit(GuardKind::Closed).map_err(refused)?;
        let closing = begin_closing(lock, pin).map_err(refused)?;
        header.note_guard(Beside::NoGuard);
        if let Err(kept) = pin.admit_beside_tensors(GuardKind::Closed) {
            if closing == Closing::Begun {
                lock.stay_open();
            }
            return Err(refused(kept));
        }
        // From here on nothing prevents the closing, on whichever thread (pin invariant 5). A thread that finds another
        // one closing does not wait for it. It sets the length and the closed state itself, so that its own caller sees
        // the cell closed.
        // SAFETY: the cell keeps its block alive.
        unsafe { Header::forget_len(self.address()) };
        lock.close();
        match closing {
            Closing::Begun => {
                // SAFETY: the write guard had begun, so the cell was constructed.
                let block = unsafe { self.block() };
                // SAFETY: the lock has granted the state after which nothing begins to this call only. So the storage
                // is still there, and nothing else refers to it (invariants 3 and 8).
                Ok(unsafe { Block::take(block) })
            }
            Closing::Underway => Err(refused(Blocker::Closed)),
        }
    }

    /// As [`close`](Self::close), but `None` if the cell is closed already. That is what Python expects of a `close`
    /// method, and of the end of a `with` block in which `close` was called.
    ///
    /// ```
    /// use buffer_runtime::{ExportBuffer, ExportCell};
    /// use pyo3::prelude::*;
    /// use pyo3::types::PyTuple;
    ///
    /// /// Memory that `with Samples(9) as samples:` gives back at the end of the block, not some time later.
    /// #[derive(ExportBuffer)]
    /// #[pyclass(frozen)]
    /// struct Samples {
    ///     data: ExportCell<Vec<f64>>,
    /// }
    ///
    /// #[pymethods]
    /// impl Samples {
    ///     #[new]
    ///     fn new(len: usize) -> Self {
    ///         Self { data: ExportCell::new(vec![0.0; len]) }
    ///     }
    ///
    ///     fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
    ///         slf
    ///     }
    ///
    ///     /// Raises `BufferError` if a view is alive; the samples are as before then.
    ///     #[pyo3(signature = (*_exception))]
    ///     fn __exit__(&self, py: Python<'_>, _exception: Bound<'_, PyTuple>) -> PyResult<()> {
    ///         Ok(self.data.take(py).map(drop)?)
    ///     }
    /// }
    /// ```
    ///
    /// Without a GIL, two threads may call this at the same time. One gets the storage; the other does not wait until
    /// the storage has been dropped.
    ///
    /// # Errors
    ///
    /// Any view or guard is alive, or the memory is [pinned](Self::is_pinned). The cell is then unchanged.
    #[track_caller]
    pub fn take(&self, py: Python<'_>) -> Result<Option<S>, BorrowError> {
        match self.close(py) {
            Ok(storage) => Ok(Some(storage)),
            Err(error) if error.is_closed() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Closes the cell at once, even while views are alive. Later views and borrows are refused with `it is closed`.
    /// Views that are alive continue to show the memory, which lives as long as they do, and so do guards of
    /// [`share_owned`](Self::share_owned). Without any of these the storage is dropped here.
    ///
    /// A closed cell stays closed; [`views`](Self::views) is 0 from now on. For example, in a `with` block that must
    /// not fail at its end, though a numpy array may still be alive:
    ///
    /// ```
    /// # use buffer_runtime::{ExportBuffer, ExportCell};
    /// # use pyo3::prelude::*;
    /// # use pyo3::types::PyTuple;
    /// # #[derive(ExportBuffer)]
    /// # #[pyclass]
    /// # struct Samples { data: ExportCell<Vec<f64>> }
    /// #[pymethods]
    /// impl Samples {
    ///     fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
    ///         slf
    ///     }
    ///
    ///     #[pyo3(signature = (*_exception))]
    ///     fn __exit__(&mut self, _exception: Bound<'_, PyTuple>) -> PyResult<()> {
    ///         Ok(self.data.detach()?)
    ///     }
    /// }
    /// ```
    ///
    /// It takes `&mut self`, which only methods of a class that is not `frozen` have.
    ///
    /// # Errors
    ///
    /// The memory is [pinned](Self::is_pinned): without a counted view, nothing says how long the memory is needed.
    pub fn detach(&mut self) -> Result<(), BorrowError> {
        // The views that are alive keep the memory alive; a consumer that has released its view does not.
        let header = self.header();
        header.pin.admit(GuardKind::Closed).map_err(|blocker| header.refused(Attempt::Detach, blocker))?;
        if !self.is_closed() {
            let closed = Self::closed().map_err(|NoMemory| header.refused(Attempt::Detach, Blocker::OutOfMemory))?;
            // Close the cell before the storage is dropped, because the drop may run any code.
            drop(mem::replace(self, closed));
        }
        Ok(())
    }

    /// Unwraps the storage.
    ///
    /// # Errors
    ///
    /// Any view or [owned guard](Self::share_owned) is alive, a guard was leaked, the memory is
    /// [pinned](Self::is_pinned), or the cell is closed. The cell is returned with the error; to drop it:
    /// `.map_err(|(_, error)| error)`.
    pub fn into_inner(mut self) -> Result<S, (Self, BorrowError)> {
        match self.begin_exclusive(GuardKind::Closed, Attempt::Take) {
            Ok(()) => {
                // SAFETY: as in `close_attached`.
                let block = unsafe { self.block() };
                // SAFETY: as in `close_attached`.
                Ok(unsafe { Block::take(block) })
            }
            Err(error) => Err((self, error)),
        }
    }

    /// Whether the cell was closed, by [`close`](Self::close), [`take`](Self::take) or [`detach`](Self::detach).
    pub fn is_closed(&self) -> bool {
        self.header().lock.is_closed()
    }

    /// A cell that never had a storage.
    fn closed() -> Result<Self, NoMemory> {
        Ok(Self { block: Block::header(Block::<S>::without_storage()?).as_ptr(), owns: PhantomData })
    }
}
