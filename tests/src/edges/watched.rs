//! A storage that counts its drop, and then performs the action that a test chose.

use std::panic;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use buffer_runtime::{Element, ReadWrite, Storage};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// Counts the drops of the storages that it was given to.
#[pyclass(frozen)]
pub(crate) struct Tally {
    drops: Arc<AtomicUsize>,
}

#[pymethods]
impl Tally {
    #[new]
    fn new() -> Self {
        Self { drops: Arc::default() }
    }

    #[getter]
    fn drops(&self) -> usize {
        self.drops.load(Ordering::Acquire)
    }
}

/// What a storage does when it is dropped.
enum LastAct {
    Nothing,
    /// Attaches and calls this. An exception that it raises stays set.
    Call(Py<PyAny>),
    Panic,
    /// Panics with a payload whose own drop panics.
    PanicTwice,
}

/// A `Vec` whose drop can be observed.
pub(crate) struct Watched<T: Element> {
    elements: Vec<T>,
    drops: Arc<AtomicUsize>,
    last_act: LastAct,
    /// Dropped with the storage.
    _keeps: Option<Py<PyAny>>,
}

impl<T: Element> Watched<T> {
    pub(crate) fn new(elements: Vec<T>) -> Self {
        Self { elements, drops: Arc::default(), last_act: LastAct::Nothing, _keeps: None }
    }

    /// `last_act` is a callable, `"panic"`, or `"panic twice"`.
    pub(crate) fn with_end(
        elements: Vec<T>,
        tally: Option<&Tally>,
        last_act: Option<Bound<'_, PyAny>>,
        keeps: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let last_act = match last_act {
            None => LastAct::Nothing,
            Some(act) => match act.cast::<PyString>() {
                Err(_) => LastAct::Call(act.unbind()),
                Ok(name) => match name.to_string().as_str() {
                    "panic" => LastAct::Panic,
                    "panic twice" => LastAct::PanicTwice,
                    _ => return Err(PyValueError::new_err("no such act")),
                },
            },
        };
        let drops = tally.map_or_else(Arc::default, |tally| Arc::clone(&tally.drops));
        Ok(Self { elements, drops, last_act, _keeps: keeps })
    }

    pub(crate) fn elements(&mut self) -> &mut Vec<T> {
        &mut self.elements
    }
}

// SAFETY: as for the Vec that it owns and does not share; the drop, which attaches if it needs to, may run on any
// thread.
unsafe impl<T: Element> Storage for Watched<T> {
    type Element = T;
    type Access = ReadWrite;

    const STABLE: bool = true;

    const RESIZABLE: bool = true;

    unsafe fn raw(this: *mut Self) -> (NonNull<T>, usize) {
        // SAFETY: the caller vouches for a valid storage.
        let elements = unsafe { &raw mut (*this).elements };
        // SAFETY: the caller vouches that there is no other reference to it.
        unsafe { Vec::raw(elements) }
    }
}

/// A panic's payload that panics when it is dropped.
pub(crate) struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the payload of a panic panics too");
    }
}

impl<T: Element> Drop for Watched<T> {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::Release);
        let len = self.elements.len();
        // A dangling view then shows wrong values.
        // SAFETY: these elements are ours, and every bit pattern is valid for them.
        unsafe { ptr::write_bytes(self.elements.as_mut_ptr(), 0xdd, len) };
        match &self.last_act {
            LastAct::Nothing => {}
            LastAct::Call(callable) => Python::attach(|py| {
                if let Err(error) = callable.call0(py) {
                    error.restore(py);
                }
            }),
            LastAct::Panic => panic!("the drop of a storage panics"),
            LastAct::PanicTwice => panic::panic_any(Bomb),
        }
    }
}

pub(super) fn add(edges: &Bound<'_, PyModule>) -> PyResult<()> {
    edges.add_class::<Tally>()
}
