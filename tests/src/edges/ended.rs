//! Classes that free or replace their memory before they die, and classes that never do.

use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::owners::Owner;
use super::watched::{Tally, Watched};

/// Closed at the end of a `with` block. Closing fails while it is viewed.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Closing {
    data: ExportCell<Watched<i32>>,
}

#[pymethods]
impl Closing {
    #[new]
    #[pyo3(signature = (values, tally=None, last_act=None))]
    fn new(values: Vec<i32>, tally: Option<&Tally>, last_act: Option<Bound<'_, PyAny>>) -> PyResult<Self> {
        Ok(Self { data: ExportCell::new(Watched::with_end(values, tally, last_act, None)?) })
    }

    #[getter]
    fn closed(&self) -> bool {
        self.data.is_closed()
    }

    /// Returns whether there was something to close.
    fn close(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.data.take(py)?.is_some())
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: Bound<'_, PyTuple>) -> PyResult<()> {
        Ok(self.data.take(py).map(drop)?)
    }
}

/// Closed at the end of a `with` block, even while views are alive.
#[derive(ExportBuffer)]
#[pyclass]
pub(super) struct Detaching {
    pub(super) data: ExportCell<Watched<i32>>,
}

#[pymethods]
impl Detaching {
    #[new]
    #[pyo3(signature = (values, tally=None, last_act=None))]
    fn new(values: Vec<i32>, tally: Option<&Tally>, last_act: Option<Bound<'_, PyAny>>) -> PyResult<Self> {
        Ok(Self { data: ExportCell::new(Watched::with_end(values, tally, last_act, None)?) })
    }

    #[getter]
    fn closed(&self) -> bool {
        self.data.is_closed()
    }

    fn views(&self) -> usize {
        self.data.views()
    }

    fn append(&mut self, value: i32) -> PyResult<()> {
        self.data.get_mut()?.elements().push(value);
        Ok(())
    }

    fn detach(&mut self) -> PyResult<()> {
        Ok(self.data.detach()?)
    }

    /// As `detach`, while this thread is detached.
    fn detach_detached(&mut self, py: Python<'_>) -> PyResult<()> {
        Ok(py.detach(|| self.data.detach())?)
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&mut self, _exception: Bound<'_, PyTuple>) -> PyResult<()> {
        Ok(self.data.detach()?)
    }
}

/// Grows even while views are alive.
#[derive(ExportBuffer)]
#[pyclass]
pub(super) struct Log {
    pub(super) data: ExportCell<Vec<f64>>,
}

#[pymethods]
impl Log {
    #[new]
    fn new(values: Vec<f64>) -> Self {
        Self { data: ExportCell::new(values) }
    }

    fn views(&self) -> usize {
        self.data.views()
    }

    fn append(&mut self, value: f64) -> PyResult<()> {
        self.data.write_or_detach()?.push(value);
        Ok(())
    }

    /// As `append`, while this thread is detached, so that other threads can write the elements that are being copied.
    fn append_detached(&mut self, py: Python<'_>, value: f64) -> PyResult<()> {
        py.detach(|| self.data.write_or_detach().map(|mut data| data.push(value)))?;
        Ok(())
    }

    fn leak_a_guard(&self, py: Python<'_>) -> PyResult<()> {
        std::mem::forget(self.data.share(py)?);
        Ok(())
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        Ok(self.data.close(py).map(drop)?)
    }
}

macro_rules! pinned {
    ($(#[$attr:meta])* $name:ident, #[buffer($($option:tt)*)]) => {
        $(#[$attr])*
        #[derive(ExportBuffer)]
        #[pyclass(weakref)]
        struct $name {
            #[buffer($($option)*)]
            data: ExportCell<Watched<i32>>,
        }

        #[pymethods]
        impl $name {
            #[new]
            #[pyo3(signature = (values, tally=None))]
            fn new(values: Vec<i32>, tally: Option<&Tally>) -> PyResult<Self> {
                Ok(Self { data: ExportCell::new(Watched::with_end(values, tally, None, None)?) })
            }

            #[getter]
            fn pinned(&self) -> bool {
                self.data.is_pinned()
            }

            fn views(&self) -> usize {
                self.data.views()
            }

            /// Calls a method of the cell by its name in Rust.
            fn attempt(&mut self, py: Python<'_>, name: &str) -> PyResult<()> {
                match name {
                    "write" => self.data.write(py)?.elements().push(9),
                    "get_mut" => self.data.get_mut()?.elements().push(9),
                    "close" => drop(self.data.close(py)?),
                    "take" => drop(self.data.take(py)?),
                    "detach" => self.data.detach()?,
                    "read" => drop(self.data.read(py)?),
                    "share" => self.data.share(py)?.set(0, 70),
                    "into_inner" => {
                        let cell = std::mem::replace(&mut self.data, ExportCell::new(Watched::new(Vec::new())));
                        let (cell, error) = match cell.into_inner() {
                            Ok(storage) => (ExportCell::new(storage), None),
                            Err((cell, error)) => (cell, Some(error)),
                        };
                        self.data = cell;
                        return error.map_or(Ok(()), |error| Err(error.into()));
                    }
                    _ => return Err(PyValueError::new_err("no such attempt")),
                }
                Ok(())
            }

            /// Calls `callable` under a read guard.
            fn call_under_read(&self, py: Python<'_>, callable: Bound<'_, PyAny>) -> PyResult<()> {
                let _guard = self.data.read(py)?;
                callable.call0().map(drop)
            }
        }
    };
}

pinned!(
    /// Stays in place after the first view.
    Pinned,
    #[buffer(pin)]
);
pinned!(
    /// The same, read-only.
    ReadOnlyPinned,
    #[buffer(readonly, pin)]
);
pinned!(
    /// The same, with a shape that runs code.
    CodePinned,
    #[buffer(pin, shape = ["2".parse::<i64>().unwrap(), _])]
);

/// A part of memory that stays in place.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct PinnedsPiece {
    #[buffer(shape = [2], offset = 4)]
    whole: Py<Pinned>,
}

#[pymethods]
impl PinnedsPiece {
    #[new]
    fn new(whole: Py<Pinned>) -> Self {
        Self { whole }
    }
}

/// Exchanges the memory of an object that pins with that of one that does not.
#[pyfunction]
fn swap_pinned(one: &mut Pinned, other: &mut Owner) {
    std::mem::swap(&mut one.data, &mut other.data);
}

pub(super) fn add(edges: &Bound<'_, PyModule>) -> PyResult<()> {
    edges.add_class::<Closing>()?;
    edges.add_class::<Detaching>()?;
    edges.add_class::<Log>()?;
    edges.add_class::<Pinned>()?;
    edges.add_class::<ReadOnlyPinned>()?;
    edges.add_class::<CodePinned>()?;
    edges.add_class::<PinnedsPiece>()?;
    edges.add_function(wrap_pyfunction!(swap_pinned, edges)?)
}
