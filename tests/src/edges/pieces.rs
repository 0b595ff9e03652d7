//! Parts of objects that misbehave on purpose: their cells are dropped, or their layouts raise, panic, re-enter or turn
//! read-only.

use std::sync::{Mutex, PoisonError};

use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use super::owners::{Owner, TableOwner};
use super::shaped::Shaped;

macro_rules! piece {
    ($(#[$attr:meta])* $name:ident of $whole:ident) => {
        $(#[$attr])*
        #[derive(ExportBuffer)]
        #[pyclass(subclass, weakref)]
        struct $name {
            offset: usize,
            #[buffer(shape = [1], offset = self.offset)]
            whole: Py<$whole>,
        }

        #[pymethods]
        impl $name {
            /// `offset` is in bytes.
            #[new]
            fn new(whole: Py<$whole>, offset: usize) -> Self {
                Self { offset, whole }
            }

            fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
                visit.call(&self.whole)
            }

            /// Calls `callable` while this object is mutably borrowed.
            #[allow(clippy::unused_self, reason = "it is borrowed meanwhile")]
            fn call_borrowed(&mut self, callable: Bound<'_, PyAny>) -> PyResult<()> {
                callable.call0().map(drop)
            }
        }
    };
}

piece!(
    /// One item of an owner, whose cell can be swapped and replaced, and whose drop can be observed.
    OwnersPiece of Owner
);
piece!(
    /// The same for another class whose cells have the same storage.
    TablesPiece of TableOwner
);
piece!(
    /// One item of an object whose layout is user code.
    ShapedsPiece of Shaped
);
piece!(
    /// One item of an object that decides at run time whether it may be written.
    DecidedsPiece of Decided
);

/// A read-only part, whose shape is user code that may view the whole.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct ReadOnlyPiece {
    count: Mutex<Py<PyAny>>,
    #[buffer(readonly, shape = [self.count()?], offset = 0)]
    whole: Py<Decided>,
}

impl ReadOnlyPiece {
    fn count(&self) -> PyResult<usize> {
        ask(&self.count)
    }
}

#[pymethods]
impl ReadOnlyPiece {
    /// `count` is a callable that returns the number of items.
    #[new]
    fn new(whole: Py<Decided>, count: Py<PyAny>) -> Self {
        Self { count: Mutex::new(count), whole }
    }
}

/// Asks Python at each first view whether it is read-only.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Decided {
    readonly: Mutex<Py<PyAny>>,
    #[buffer(readonly = self.readonly()?)]
    data: ExportCell<Vec<i32>>,
}

impl Decided {
    fn readonly(&self) -> PyResult<bool> {
        Ok(ask(&self.readonly)? != 0)
    }
}

/// Calls a callable from Python, and returns its result.
fn ask(callable: &Mutex<Py<PyAny>>) -> PyResult<usize> {
    Python::attach(|py| {
        let callable = callable.lock().unwrap_or_else(PoisonError::into_inner).clone_ref(py);
        callable.call0(py)?.bind(py).extract()
    })
}

#[pymethods]
impl Decided {
    #[new]
    fn new(values: Vec<i32>, readonly: Py<PyAny>) -> Self {
        Self { readonly: Mutex::new(readonly), data: ExportCell::new(values) }
    }

    fn views(&self) -> usize {
        self.data.views()
    }

    /// Reads while views may be alive.
    fn sum(&self, py: Python<'_>) -> PyResult<i64> {
        Ok(self.data.read(py)?.iter().map(|&item| i64::from(item)).sum())
    }
}

pub(super) fn add(edges: &Bound<'_, PyModule>) -> PyResult<()> {
    edges.add_class::<OwnersPiece>()?;
    edges.add_class::<TablesPiece>()?;
    edges.add_class::<ShapedsPiece>()?;
    edges.add_class::<DecidedsPiece>()?;
    edges.add_class::<ReadOnlyPiece>()?;
    edges.add_class::<Decided>()
}
