//! A frozen class that grows, and Rust's guards of its cell: beside views, on other threads, and leaked.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use buffer_runtime::{BorrowError, ExportBuffer, ExportCell, ReadGuard, ScopedView, ShareGuard, WriteGuard};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rayon::prelude::*;

type Storage = Vec<f64>;

/// Numbers that Python views and Rust borrows.
#[derive(ExportBuffer)]
#[pyclass(frozen, subclass, weakref)]
pub(crate) struct Series {
    #[buffer]
    pub(super) data: ExportCell<Storage>,
    stopped: AtomicBool,
}

/// A guard of any kind.
enum Guard<'a> {
    Read(ReadGuard<'a, Storage>),
    Share(ShareGuard<'a, Storage>),
    Write(WriteGuard<'a, Storage>),
}

impl Guard<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Read(guard) => guard.len(),
            Self::Share(guard) => guard.len(),
            Self::Write(guard) => guard.len(),
        }
    }
}

impl Series {
    fn guard(&self, py: Python<'_>, kind: &str) -> PyResult<Guard<'_>> {
        Ok(match kind {
            "read" => Guard::Read(self.data.read(py)?),
            "share" => Guard::Share(self.data.share(py)?),
            "write" => Guard::Write(self.data.write(py)?),
            _ => return Err(PyValueError::new_err("no such guard")),
        })
    }
}

#[pymethods]
impl Series {
    #[new]
    fn new(values: Storage) -> Self {
        Self { data: ExportCell::new(values), stopped: AtomicBool::new(false) }
    }

    fn __len__(&self) -> usize {
        self.data.len()
    }

    fn views(&self) -> usize {
        self.data.views()
    }

    #[pyo3(signature = (*, stable = false))]
    fn view(slf: Bound<'_, Self>, stable: bool) -> PyResult<ScopedView> {
        if stable { ScopedView::stable(slf.as_any()) } else { ScopedView::new(slf.as_any()) }
    }

    fn append(&self, py: Python<'_>, value: f64) -> PyResult<()> {
        self.data.write(py)?.push(value);
        Ok(())
    }

    /// Appends the items of an iterable. The write guard begins before the iteration.
    fn extend(&self, py: Python<'_>, values: Bound<'_, PyAny>) -> PyResult<()> {
        let mut data = self.data.write(py)?;
        for value in values.try_iter()? {
            data.push(value?.extract()?);
        }
        Ok(())
    }

    fn pop(&self, py: Python<'_>) -> PyResult<Option<f64>> {
        Ok(self.data.write(py)?.pop())
    }

    /// Sets one element. The write guard is alive while `index` is converted to an integer.
    fn set(&self, py: Python<'_>, index: Bound<'_, PyAny>, value: f64) -> PyResult<()> {
        let mut data = self.data.write(py)?;
        let index: usize = index.call_method0("__index__")?.extract()?;
        *data.get_mut(index).ok_or_else(|| PyValueError::new_err("out of range"))? = value;
        Ok(())
    }

    /// How many elements a copy has.
    fn copied(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.data.share(py)?.to_vec()?.len())
    }

    fn clear(&self, py: Python<'_>) -> PyResult<()> {
        self.data.write(py)?.clear();
        Ok(())
    }

    /// Frees unused memory, which moves the elements.
    fn shrink(&self, py: Python<'_>) -> PyResult<()> {
        self.data.write(py)?.shrink_to_fit();
        Ok(())
    }

    fn close(&self, py: Python<'_>) -> PyResult<Vec<f64>> {
        Ok(self.data.close(py)?)
    }

    /// The properties of the error: the number of views in the way, and whether the cell is closed.
    fn why_not_write(&self, py: Python<'_>) -> Option<(usize, bool)> {
        self.data.write(py).err().map(|error: BorrowError| (error.views(), error.is_closed()))
    }

    /// Calls `callable` under a guard, and returns how many elements the guard showed afterwards.
    fn call_under(&self, py: Python<'_>, kind: &str, callable: Bound<'_, PyAny>) -> PyResult<usize> {
        let guard = self.guard(py, kind)?;
        callable.call0()?;
        Ok(guard.len())
    }

    /// Panics under a guard.
    fn panic_under(&self, py: Python<'_>, kind: &str) -> PyResult<()> {
        let guard = self.guard(py, kind)?;
        panic!("under a guard of {} elements", guard.len());
    }

    /// Forgets `count` guards. If one is refused, returns how many were forgotten before, and the message.
    fn leak(&self, py: Python<'_>, kind: &str, count: usize) -> (usize, Option<String>) {
        for leaked in 0..count {
            match self.guard(py, kind) {
                Ok(guard) => mem::forget(guard),
                Err(error) => return (leaked, Some(error.value(py).to_string())),
            }
        }
        (count, None)
    }

    /// Begins a guard, and ends it on a detached thread, which this thread joins while attached.
    fn end_elsewhere(&self, py: Python<'_>, kind: &str) -> PyResult<()> {
        let guard = self.guard(py, kind)?;
        thread::scope(|scope| drop(scope.spawn(move || drop(guard)).join()));
        Ok(())
    }

    /// Changes the storage under a write guard that is used and ended on a detached thread.
    fn append_elsewhere(&self, py: Python<'_>, value: f64) -> PyResult<()> {
        let mut guard = self.data.write(py)?;
        py.detach(|| {
            thread::scope(|scope| {
                scope.spawn(move || guard.push(value));
            });
        });
        Ok(())
    }

    /// The sum, by rayon, under a read guard and detached.
    fn sum_by_rayon(&self, py: Python<'_>) -> PyResult<f64> {
        let elements = self.data.read(py)?;
        Ok(py.detach(|| elements.par_iter().sum()))
    }

    /// The sum, by scoped threads that share one read guard, detached.
    fn sum_by_scope(&self, py: Python<'_>) -> PyResult<f64> {
        let elements = self.data.read(py)?;
        let elements: &[f64] = &elements;
        Ok(py.detach(|| {
            thread::scope(|scope| {
                let quarter = elements.len().div_ceil(4).max(1);
                let quarters: Vec<_> =
                    elements.chunks(quarter).map(|part| scope.spawn(move || part.iter().sum::<f64>())).collect();
                quarters.into_iter().map(|part| part.join().expect("adding does not panic")).sum()
            })
        }))
    }

    /// Adds 1 to every element `rounds` times in bulk, detached, even while views are alive.
    fn add_in_bulk(&self, py: Python<'_>, rounds: usize) -> PyResult<()> {
        let elements = self.data.share(py)?;
        py.detach(|| {
            for _ in 0..rounds {
                elements.for_each_chunk(|chunk| chunk.iter_mut().for_each(|element| *element += 1.0));
            }
        });
        Ok(())
    }

    /// Adds 1 to every second element again and again, detached, until `stop` is called. Returns how often.
    fn add_to_even_until_stopped(&self, py: Python<'_>) -> PyResult<usize> {
        let elements = self.data.share(py)?;
        Ok(py.detach(|| {
            let mut rounds = 0;
            while !self.stopped.load(Ordering::Acquire) {
                elements.for_each_chunk(|chunk| chunk.iter_mut().step_by(2).for_each(|element| *element += 1.0));
                rounds += 1;
            }
            rounds
        }))
    }

    /// Ends `add_to_even_until_stopped` and `hold_until_stopped`.
    fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    /// Holds a guard, detached, until `stop` is called. Calls `begun` first.
    fn hold_until_stopped(&self, py: Python<'_>, kind: &str, begun: Bound<'_, PyAny>) -> PyResult<()> {
        let guard = self.guard(py, kind)?;
        begun.call0()?;
        py.detach(|| {
            while !self.stopped.load(Ordering::Acquire) {
                thread::sleep(Duration::from_millis(1));
            }
            drop(guard);
        });
        Ok(())
    }

    /// Each way that a share guard reads and writes, from the values 0, 1, 2, ... up.
    fn each_shared_access(&self, py: Python<'_>) -> PyResult<Vec<f64>> {
        let elements = self.data.share(py)?;
        elements.set(0, elements.get(0) + 10.0);
        let mut copy = vec![0.0; elements.len()];
        elements.copy_to_slice(&mut copy);
        copy.reverse();
        elements.copy_from_slice(&copy);
        let seen = elements.iter().collect();
        elements.fill(7.0);
        Ok(seen)
    }
}

pub(super) fn add(edges: &Bound<'_, PyModule>) -> PyResult<()> {
    edges.add_class::<Series>()
}
