//! A table of times and values: two columns in one object, each a buffer of its own.
//!
//! `numpy.asarray(table.time)` and `numpy.asarray(table.value)` show the columns without a copy. While either is
//! viewed, `append` raises `BufferError`, and neither column has changed.

use buffer_runtime::{ExportBuffer, ExportCell, Part};
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;

/// Two columns that grow together: `time`, int64, and `value`, float64.
#[derive(ExportBuffer)]
#[pyclass(frozen, subclass, weakref, module = "table")]
struct Table {
    /// The times: a buffer of int64.
    #[buffer(get)]
    time: ExportCell<Vec<i64>>,
    /// The values: a buffer of float64.
    #[buffer(get)]
    value: ExportCell<Vec<f64>>,
}

#[pymethods]
impl Table {
    /// A table without rows.
    #[new]
    fn new() -> Self {
        Self { time: ExportCell::new(Vec::new()), value: ExportCell::new(Vec::new()) }
    }

    /// Appends a row. Raises `BufferError` while either column is viewed; then neither has changed.
    fn append(&self, py: Python<'_>, time: i64, value: f64) -> PyResult<()> {
        let mut times = self.time.write(py)?;
        let mut values = self.value.write(py)?;
        let reserved = times.try_reserve(1).and_then(|()| values.try_reserve(1));
        reserved.map_err(|_| PyMemoryError::new_err("no memory for another row"))?;
        times.push(time);
        values.push(value);
        Ok(())
    }

    /// Removes all rows. Raises `BufferError` while either column is viewed; then neither has changed.
    fn clear(&self, py: Python<'_>) -> PyResult<()> {
        let mut times = self.time.write(py)?;
        let mut values = self.value.write(py)?;
        times.clear();
        values.clear();
        Ok(())
    }

    /// The rows from `start` to before `stop`, without a copy.
    fn rows(slf: &Bound<'_, Self>, start: usize, stop: usize) -> PyResult<Rows> {
        let py = slf.py();
        let time = Part::of_field(slf, |table| &table.time, |all| all.slice(0, start..stop, 1))?;
        let value = Part::of_field(slf, |table| &table.value, |all| all.slice(0, start..stop, 1))?;
        Ok(Rows { time: Py::new(py, time)?, value: Py::new(py, value)? })
    }

    fn __len__(&self) -> usize {
        self.value.len()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        Ok(format!("<{} of {} rows>", slf.get_type().name()?, slf.get().value.len()))
    }
}

/// Some rows of a table. They stay the same rows when the table grows.
#[pyclass(frozen, get_all, module = "table")]
struct Rows {
    /// Their part of the table's `time`.
    time: Py<Part>,
    /// Their part of the table's `value`.
    value: Py<Part>,
}

#[pymethods]
impl Rows {
    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        self.value.bind(py).len()
    }
}

/// The stub `table.pyi` documents this module for Python.
#[pymodule]
mod table {
    #[pymodule_export]
    use super::Rows;
    #[pymodule_export]
    use super::Table;
}
