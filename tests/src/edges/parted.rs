//! A cell that was separated from its object, and the ways to drop it.

use std::mem;
use std::sync::{Arc, Barrier, Mutex, PoisonError};
use std::thread;

use buffer_runtime::ExportCell;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::watched::Watched;

/// A cell without an object. Views of it may be alive.
#[pyclass]
pub(crate) struct Parted {
    cell: Option<ExportCell<Watched<i32>>>,
}

impl Parted {
    pub(super) fn new(cell: ExportCell<Watched<i32>>) -> Self {
        Self { cell: Some(cell) }
    }

    fn take(&mut self) -> PyResult<ExportCell<Watched<i32>>> {
        self.cell.take().ok_or_else(|| PyValueError::new_err("the cell is gone"))
    }
}

/// Joins a thread that only drops something, and so must not panic.
fn joined<R>(thread: thread::JoinHandle<R>) -> R {
    thread.join().expect("dropping a cell does not panic")
}

#[pymethods]
impl Parted {
    fn views(&self) -> usize {
        self.cell.as_ref().map_or(0, ExportCell::views)
    }

    /// Appends a value without a token, which needs exclusive access to the cell.
    fn grow(&mut self, value: i32) -> PyResult<usize> {
        let mut cell = self.take()?;
        let grown = cell.get_mut().map(|mut storage| {
            storage.elements().push(value);
            storage.elements().len()
        });
        self.cell = Some(cell);
        Ok(grown?)
    }

    /// The same on a detached thread.
    fn grow_detached(&mut self, py: Python<'_>, value: i32) -> PyResult<usize> {
        py.detach(|| self.grow(value))
    }

    /// Takes the values out by `into_inner`. If that is refused, the cell stays.
    fn unwrap(&mut self) -> PyResult<Vec<i32>> {
        match self.take()?.into_inner() {
            Ok(mut storage) => Ok(mem::take(storage.elements())),
            Err((cell, error)) => {
                self.cell = Some(cell);
                Err(error.into())
            }
        }
    }

    fn drop_here(&mut self) -> PyResult<()> {
        drop(self.take()?);
        Ok(())
    }

    /// Drops the cell on this thread, which is detached meanwhile.
    fn drop_detached(&mut self, py: Python<'_>) -> PyResult<()> {
        let cell = self.take()?;
        py.detach(|| drop(cell));
        Ok(())
    }

    /// Drops the cell on a thread that this thread joins while attached.
    fn drop_on_joined_thread(&mut self) -> PyResult<()> {
        let cell = self.take()?;
        joined(thread::spawn(move || drop(cell)));
        Ok(())
    }

    /// Drops the cell on a thread that holds a mutex, for which this thread waits while attached.
    fn drop_under_contended_mutex(&mut self) -> PyResult<()> {
        let cell = self.take()?;
        let mutex = Arc::new(Mutex::new(()));
        let locked = Arc::new(Barrier::new(2));
        let dropper = thread::spawn({
            let (mutex, locked) = (Arc::clone(&mutex), Arc::clone(&locked));
            move || {
                let held = mutex.lock();
                locked.wait();
                drop(cell);
                drop(held);
            }
        });
        locked.wait();
        drop(mutex.lock().unwrap_or_else(PoisonError::into_inner));
        joined(dropper);
        Ok(())
    }
}

/// Drops many cells at once, on threads that race each other.
#[pyfunction]
fn drop_on_racing_threads(py: Python<'_>, parted: Vec<Bound<'_, Parted>>, threads: usize) -> PyResult<()> {
    let mut shares: Vec<Vec<_>> = (0..threads).map(|_| Vec::new()).collect();
    for (index, parted) in parted.iter().enumerate() {
        shares[index % threads].push(parted.try_borrow_mut()?.take()?);
    }
    let start = Barrier::new(threads);
    py.detach(|| {
        thread::scope(|scope| {
            for share in shares {
                scope.spawn(|| {
                    start.wait();
                    drop(share);
                });
            }
        });
    });
    Ok(())
}

pub(super) fn add(edges: &Bound<'_, PyModule>) -> PyResult<()> {
    edges.add_class::<Parted>()?;
    edges.add_function(wrap_pyfunction!(drop_on_racing_threads, edges)?)
}
