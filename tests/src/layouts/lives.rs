//! Classes whose end Python's tests observe: a counter has the number of their storages that are alive.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

use buffer_runtime::{ExportBuffer, ExportCell, ReadWrite, Storage};
use pyo3::prelude::*;

use super::content::Content;

static STORAGES: AtomicUsize = AtomicUsize::new(0);

/// A `Vec` that is counted while it is alive.
struct Counted(Vec<f32>);

impl Content for Counted {
    fn from_bytes(bytes: &[u8]) -> PyResult<Self> {
        let elements = Vec::from_bytes(bytes)?;
        STORAGES.fetch_add(1, Ordering::Relaxed);
        Ok(Self(elements))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        // A view that outlives its memory then reads wrong values.
        self.0.fill(f32::NAN);
        STORAGES.fetch_sub(1, Ordering::Relaxed);
    }
}

// SAFETY: all clauses are those of the Vec. Its drop also changes an atomic counter, which any thread may change.
unsafe impl Storage for Counted {
    type Element = f32;
    type Access = ReadWrite;

    const STABLE: bool = true;
    const RESIZABLE: bool = true;

    unsafe fn raw(this: *mut Self) -> (NonNull<f32>, usize) {
        // SAFETY: the caller vouches that `this` is valid.
        let vec = unsafe { &raw mut (*this).0 };
        // SAFETY: the caller vouches that there is no other reference to it.
        unsafe { Vec::raw(vec) }
    }
}

#[derive(ExportBuffer)]
#[pyclass(frozen, subclass, weakref)]
struct Base {
    columns: usize,
    #[buffer(shape = [_, self.columns])]
    data: ExportCell<Counted>,
}

#[pymethods]
impl Base {
    #[new]
    fn new(content: &[u8], columns: usize) -> PyResult<Self> {
        Ok(Self { columns, data: ExportCell::new(Content::from_bytes(content)?) })
    }

    fn replace(&self, py: Python<'_>, content: &[u8]) -> PyResult<()> {
        *self.data.write(py)? = Content::from_bytes(content)?;
        Ok(())
    }

    fn views(&self) -> usize {
        self.data.views()
    }
}

/// A subclass in Rust: it inherits the buffer.
#[pyclass(frozen, extends = Base, subclass, weakref)]
struct Derived {
    #[pyo3(get)]
    label: String,
}

#[pymethods]
impl Derived {
    #[new]
    fn new(content: &[u8], columns: usize, label: String) -> PyResult<PyClassInitializer<Self>> {
        Ok(PyClassInitializer::from(Base::new(content, columns)?).add_subclass(Self { label }))
    }
}

/// A base that may be used only on the thread that made it.
#[pyclass(unsendable, subclass)]
struct ThreadBound;

/// An exporter with such a base. It is accessed through the base's borrow flag.
#[derive(ExportBuffer)]
#[pyclass(extends = ThreadBound)]
struct OfThreadBound {
    data: ExportCell<Vec<u8>>,
}

#[pymethods]
impl OfThreadBound {
    #[new]
    fn new(content: &[u8]) -> PyClassInitializer<Self> {
        PyClassInitializer::from(ThreadBound).add_subclass(Self { data: ExportCell::new(content.to_vec()) })
    }

    fn views(&self) -> usize {
        self.data.views()
    }
}

/// How many counted storages there are.
#[pyfunction]
fn storages() -> usize {
    STORAGES.load(Ordering::Relaxed)
}

pub(super) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Base>()?;
    module.add_class::<Derived>()?;
    module.add_class::<OfThreadBound>()?;
    module.add_function(wrap_pyfunction!(storages, module)?)
}
