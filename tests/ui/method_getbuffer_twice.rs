use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Samples {
    data: ExportCell<Vec<f32>>,
}

#[pymethods]
impl Samples {
    unsafe fn __getbuffer__(&self, _view: *mut pyo3::ffi::Py_buffer, _flags: i32) -> PyResult<()> {
        Ok(())
    }
}

fn main() {}
