//! Owned share guards of cells: held without the object, used and dropped on other threads, and dropped at the end of
//! the process.

use std::ffi::c_int;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::{io, mem};

use buffer_runtime::{ExportCell, MayWrite, OwnedShareGuard, Storage};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;

use super::ended::{Detaching, Log};
use super::owners::Owner;
use super::series::Series;

/// A guard of any class, as a function that stores a number in each element.
type Guard = Box<dyn Fn(i32) + Send + Sync>;

fn writing<S>(cell: &ExportCell<S>, py: Python<'_>, from: fn(i32) -> S::Element) -> PyResult<Guard>
where
    S: Storage<Access: MayWrite>,
{
    let guard: OwnedShareGuard<S> = cell.share_owned(py)?;
    Ok(Box::new(move |value| guard.fill(from(value))))
}

fn guard_of(object: &Bound<'_, PyAny>) -> PyResult<Guard> {
    let py = object.py();
    if let Ok(series) = object.cast::<Series>() {
        writing(&series.get().data, py, f64::from)
    } else if let Ok(owner) = object.cast::<Owner>() {
        writing(&owner.try_borrow()?.data, py, |value| value)
    } else if let Ok(detaching) = object.cast::<Detaching>() {
        writing(&detaching.try_borrow()?.data, py, |value| value)
    } else if let Ok(log) = object.cast::<Log>() {
        writing(&log.try_borrow()?.data, py, f64::from)
    } else {
        Err(PyTypeError::new_err("no object whose memory is shared"))
    }
}

/// An owned share guard. It has no reference to the object. `start` gives it to a thread that writes until `stop`.
#[pyclass(frozen)]
struct Owned {
    guard: Mutex<Option<Guard>>,
    thread: Mutex<Option<JoinHandle<Guard>>>,
    stopped: Arc<AtomicBool>,
    rounds: Arc<AtomicUsize>,
}

impl Owned {
    fn take(&self) -> PyResult<Guard> {
        let guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner).take();
        guard.ok_or_else(|| PyValueError::new_err("the guard is gone, or a thread has it"))
    }
}

#[pymethods]
impl Owned {
    #[new]
    fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self {
            guard: Mutex::new(Some(guard_of(object)?)),
            thread: Mutex::default(),
            stopped: Arc::default(),
            rounds: Arc::default(),
        })
    }

    fn write(&self, value: i32) -> PyResult<()> {
        let guard = self.take()?;
        guard(value);
        *self.guard.lock().unwrap_or_else(PoisonError::into_inner) = Some(guard);
        Ok(())
    }

    /// Starts a thread that writes 1, 2, 3 and so on, and never attaches to Python.
    fn start(&self) -> PyResult<()> {
        let guard = self.take()?;
        let (stopped, rounds) = (Arc::clone(&self.stopped), Arc::clone(&self.rounds));
        let thread = thread::spawn(move || {
            let mut value = 0_i32;
            while !stopped.load(Ordering::Relaxed) {
                value = value % 1_000_000 + 1;
                guard(value);
                rounds.fetch_add(1, Ordering::Relaxed);
            }
            guard
        });
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    /// How often the thread has written all elements.
    fn rounds(&self) -> usize {
        self.rounds.load(Ordering::Relaxed)
    }

    /// Stops the thread, which ends the guard.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = thread.ok_or_else(|| PyValueError::new_err("no thread was started"))?;
        self.stopped.store(true, Ordering::Relaxed);
        py.detach(|| drop(thread.join().expect("writing does not panic")));
        Ok(())
    }

    fn drop_here(&self) -> PyResult<()> {
        drop(self.take()?);
        Ok(())
    }

    /// Drops the guard on this thread, which is detached meanwhile.
    fn drop_detached(&self, py: Python<'_>) -> PyResult<()> {
        let guard = self.take()?;
        py.detach(|| drop(guard));
        Ok(())
    }

    /// Drops the guard on a thread that this thread joins while attached.
    fn drop_on_joined_thread(&self) -> PyResult<()> {
        let guard = self.take()?;
        thread::spawn(move || drop(guard)).join().expect("dropping a guard does not panic");
        Ok(())
    }

    /// Drops the guard while this thread panics.
    fn drop_in_panic(&self) -> PyResult<()> {
        let guard = self.take()?;
        let panicked = panic::catch_unwind(AssertUnwindSafe(move || {
            let _guard = guard;
            // Panics without calling the panic hook, which would print a message.
            panic::resume_unwind(Box::new(()));
        }));
        assert!(panicked.is_err());
        Ok(())
    }

    /// Drops the guard while an exception is set, and then raises that exception.
    fn drop_with_pending(&self, py: Python<'_>) -> PyResult<()> {
        let guard = self.take()?;
        PyValueError::new_err("pending").restore(py);
        drop(guard);
        Err(PyErr::fetch(py))
    }

    /// Drops the guard in a function that is registered with the C library's `atexit`, after the interpreter has ended.
    fn drop_at_exit(&self) -> PyResult<()> {
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.take()?);
        // SAFETY: the function may be called at any time, and its code stays loaded.
        let registered = unsafe { atexit(drop_last) };
        assert_eq!(registered, 0);
        Ok(())
    }

    fn forget(&self) -> PyResult<()> {
        mem::forget(self.take()?);
        Ok(())
    }
}

unsafe extern "C" {
    /// The function of the C library.
    fn atexit(function: extern "C" fn()) -> c_int;
}

/// The guard that is dropped at exit.
static LAST: Mutex<Option<Guard>> = Mutex::new(None);

extern "C" fn drop_last() {
    let guard = LAST.lock().unwrap_or_else(PoisonError::into_inner).take();
    // SAFETY: may be called at any time.
    let initialized = unsafe { ffi::Py_IsInitialized() };
    if let Some(guard) = guard {
        guard(9);
        drop(guard);
        let _ = io::Write::write_all(&mut io::stdout(), format!("dropped, initialized: {initialized}\n").as_bytes());
    }
}

/// Begins and ends one guard of a series, without an allocation.
#[pyfunction]
fn own_once(py: Python<'_>, series: &Bound<'_, Series>) -> PyResult<()> {
    series.get().data.share_owned(py)?.fill(1.0);
    Ok(())
}

/// Begins and ends `count` guards of a series, up to 100 at the same time.
#[pyfunction]
fn own_many(py: Python<'_>, series: &Bound<'_, Series>, count: usize) -> PyResult<()> {
    for begun in (0..count).step_by(100) {
        let guards: PyResult<Vec<_>> =
            (begun..count.min(begun + 100)).map(|_| Ok(series.get().data.share_owned(py)?)).collect();
        let guards = guards?;
        py.detach(|| thread::spawn(move || drop(guards)).join().expect("dropping guards does not panic"));
    }
    Ok(())
}

/// Forgets `count` guards of a series. If one is refused, returns how many were forgotten before, and the message.
#[pyfunction]
fn forget_owned(py: Python<'_>, series: &Bound<'_, Series>, count: usize) -> (usize, Option<String>) {
    for leaked in 0..count {
        match series.get().data.share_owned(py) {
            Ok(guard) => mem::forget(guard),
            Err(error) => return (leaked, Some(error.to_string())),
        }
    }
    (count, None)
}

/// Begins a guard of an owner and then ends the owner's cell, in one `&mut` borrow of the object. Returns the guard.
#[pyfunction]
fn own_and_replace(py: Python<'_>, owner: &Bound<'_, Owner>, values: Vec<i32>) -> PyResult<Owned> {
    let mut owner = owner.try_borrow_mut()?;
    let guard = writing(&owner.data, py, |value| value)?;
    owner.data = ExportCell::new(super::watched::Watched::new(values));
    Ok(Owned {
        guard: Mutex::new(Some(guard)),
        thread: Mutex::default(),
        stopped: Arc::default(),
        rounds: Arc::default(),
    })
}

pub(super) fn add(edges: &Bound<'_, PyModule>) -> PyResult<()> {
    edges.add_class::<Owned>()?;
    edges.add_function(wrap_pyfunction!(own_once, edges)?)?;
    edges.add_function(wrap_pyfunction!(own_many, edges)?)?;
    edges.add_function(wrap_pyfunction!(forget_owned, edges)?)?;
    edges.add_function(wrap_pyfunction!(own_and_replace, edges)?)
}
