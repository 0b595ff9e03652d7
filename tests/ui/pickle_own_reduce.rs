use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[buffer(pickle)]
#[pyclass(frozen)]
struct Samples {
    data: ExportCell<Vec<f64>>,
}

#[pymethods]
impl Samples {
    fn __reduce__(&self) -> u8 {
        0
    }
}

fn main() {}
