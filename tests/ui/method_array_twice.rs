use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Samples {
    data: ExportCell<Vec<f32>>,
}

#[pymethods]
impl Samples {
    fn __array__(&self) -> PyResult<Py<PyAny>> {
        Err(pyo3::exceptions::PyBufferError::new_err("no array"))
    }
}

fn main() {}
