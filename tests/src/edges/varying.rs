//! Layouts that Python sets in full before each view: of a cell, and of a part.

use std::sync::{Mutex, PoisonError};

use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;

/// The layout that Python has set.
#[derive(Clone)]
struct Told {
    shape: Vec<isize>,
    strides: Vec<isize>,
    offset: isize,
    format: String,
    readonly: bool,
}

/// The current layout, and how often it was evaluated.
struct Telling(Mutex<(Told, usize)>);

impl Telling {
    fn new() -> Self {
        let told = Told { shape: vec![], strides: vec![], offset: 0, format: "B".to_owned(), readonly: false };
        Self(Mutex::new((told, 0)))
    }

    fn tell(&self, told: Told) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = told;
    }

    /// Counts the evaluations: each one calls this once.
    fn shape(&self) -> Vec<isize> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.1 += 1;
        told.0.shape.clone()
    }

    fn told(&self) -> Told {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    fn evaluations(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

macro_rules! telling {
    ($name:ident) => {
        #[pymethods]
        impl $name {
            fn tell(&self, shape: Vec<isize>, strides: Vec<isize>, offset: isize, format: String, readonly: bool) {
                self.telling.tell(Told { shape, strides, offset, format, readonly });
            }

            fn evaluations(&self) -> usize {
                self.telling.evaluations()
            }
        }
    };
}

/// Bytes with their own layout.
#[derive(ExportBuffer)]
#[pyclass]
struct Plain {
    #[buffer]
    data: ExportCell<Vec<u8>>,
}

#[pymethods]
impl Plain {
    #[new]
    fn new(content: Vec<u8>) -> Self {
        Self { data: ExportCell::new(content) }
    }

    fn views(&self) -> usize {
        self.data.views()
    }

    /// Replaces the memory by another allocation.
    fn replace(&self, py: Python<'_>, content: Vec<u8>) -> PyResult<()> {
        *self.data.write(py)? = content;
        Ok(())
    }

    /// Calls a callable while a read guard is alive.
    fn while_reading(&self, py: Python<'_>, call: &Bound<'_, PyAny>) -> PyResult<usize> {
        let guard = self.data.read(py)?;
        call.call0()?;
        Ok(guard.len())
    }
}

/// Bytes whose whole layout Python sets.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Varying {
    telling: Telling,
    #[buffer(
        readonly = self.telling.told().readonly,
        format = self.telling.told().format,
        shape = self.telling.shape(),
        offset = self.telling.told().offset,
        strides = self.telling.told().strides
    )]
    data: ExportCell<Vec<u8>>,
}

telling!(Varying);

#[pymethods]
impl Varying {
    #[new]
    fn new(content: Vec<u8>) -> Self {
        Self { telling: Telling::new(), data: ExportCell::new(content) }
    }

    fn views(&self) -> usize {
        self.data.views()
    }

    fn replace(&self, py: Python<'_>, content: Vec<u8>) -> PyResult<()> {
        *self.data.write(py)? = content;
        Ok(())
    }
}

/// A part of another object whose whole layout Python sets.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct VaryingPart {
    telling: Telling,
    #[buffer(
        readonly = self.telling.told().readonly,
        format = self.telling.told().format,
        shape = self.telling.shape(),
        offset = self.telling.told().offset,
        strides = self.telling.told().strides
    )]
    whole: Py<Plain>,
}

telling!(VaryingPart);

#[pymethods]
impl VaryingPart {
    #[new]
    fn new(whole: Py<Plain>) -> Self {
        Self { telling: Telling::new(), whole }
    }
}

/// A part whose layout is in fields. Methods change these fields, and the whole.
#[derive(ExportBuffer)]
#[pyclass]
struct Window {
    len: usize,
    offset: usize,
    #[buffer(shape = [self.len], offset = self.offset)]
    whole: Py<Plain>,
}

#[pymethods]
impl Window {
    #[new]
    fn new(whole: Py<Plain>, len: usize, offset: usize) -> Self {
        Self { len, offset, whole }
    }

    fn turn_to(&mut self, whole: Py<Plain>, len: usize, offset: usize) {
        *self = Self { len, offset, whole };
    }
}

/// Its shape succeeds, but leaves an exception set.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Careless {
    #[buffer(shape = [_, self.ncols()])]
    data: ExportCell<Vec<u8>>,
}

impl Careless {
    fn ncols(&self) -> usize {
        Python::attach(|py| PyKeyError::new_err("left by the shape").restore(py));
        self.data.len().min(2)
    }
}

#[pymethods]
impl Careless {
    #[new]
    fn new(content: Vec<u8>) -> Self {
        Self { data: ExportCell::new(content) }
    }
}

pub(super) fn add(edges: &Bound<'_, PyModule>) -> PyResult<()> {
    edges.add_class::<Plain>()?;
    edges.add_class::<Varying>()?;
    edges.add_class::<VaryingPart>()?;
    edges.add_class::<Window>()?;
    edges.add_class::<Careless>()
}
