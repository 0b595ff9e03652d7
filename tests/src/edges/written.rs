//! Formats that are written in a field, where Python changes them.

use buffer_runtime::{ExportBuffer, ExportCell, Part};
use pyo3::prelude::*;

/// Bytes whose format, number of columns and access are fields.
#[derive(ExportBuffer)]
#[pyclass]
struct Written {
    #[pyo3(get, set)]
    format: String,
    #[pyo3(get, set)]
    columns: usize,
    #[pyo3(get, set)]
    sealed: bool,
    #[buffer(format = &self.format, shape = [_, self.columns], readonly = self.sealed)]
    data: ExportCell<Vec<u8>>,
}

#[pymethods]
impl Written {
    #[new]
    fn new(content: Vec<u8>, format: String) -> Self {
        Self { format, columns: 1, sealed: false, data: ExportCell::new(content) }
    }

    fn views(&self) -> usize {
        self.data.views()
    }

    fn first(slf: &Bound<'_, Self>, count: usize) -> PyResult<Part> {
        Part::new(slf, |all| all.slice(0, ..count, 1))
    }

    fn replace(&self, py: Python<'_>, content: Vec<u8>) -> PyResult<()> {
        *self.data.write(py)? = content;
        Ok(())
    }
}

/// A part of another object, whose format is a field.
#[derive(ExportBuffer)]
#[pyclass]
struct WrittenPart {
    #[pyo3(get, set)]
    format: String,
    #[buffer(format = self.format, shape = [_])]
    whole: Py<Whole>,
}

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Whole {
    data: ExportCell<Vec<u8>>,
}

#[pymethods]
impl WrittenPart {
    #[new]
    fn new(py: Python<'_>, content: Vec<u8>, format: String) -> PyResult<Self> {
        Ok(Self { format, whole: Py::new(py, Whole { data: ExportCell::new(content) })? })
    }
}

/// A type of the user's with the name of one of the standard library. Python code runs whenever its text is read.
mod told {
    use pyo3::{Py, PyAny, Python};

    pub(super) struct String {
        pub(super) ask: Py<PyAny>,
    }

    impl AsRef<str> for String {
        fn as_ref(&self) -> &str {
            match Python::attach(|py| self.ask.call0(py)?.extract::<usize>(py)) {
                Ok(1) => "B",
                Ok(2) => "H",
                _ => "none",
            }
        }
    }
}

mod telling {
    use super::told::String;
    use super::{ExportBuffer, ExportCell, Py, PyAny, pyclass, pymethods};

    #[derive(ExportBuffer)]
    #[pyclass(frozen)]
    pub(super) struct Telling {
        format: String,
        #[buffer(format = self.format)]
        data: ExportCell<Vec<u8>>,
    }

    #[pymethods]
    impl Telling {
        /// `ask` is a callable that returns the size of an item.
        #[new]
        fn new(ask: Py<PyAny>, content: Vec<u8>) -> Self {
            Self { format: String { ask }, data: ExportCell::new(content) }
        }

        fn views(&self) -> usize {
            self.data.views()
        }
    }
}

pub(super) fn add(edges: &Bound<'_, PyModule>) -> PyResult<()> {
    edges.add_class::<Written>()?;
    edges.add_class::<WrittenPart>()?;
    edges.add_class::<telling::Telling>()
}
