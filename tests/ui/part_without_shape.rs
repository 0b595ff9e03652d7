use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Other {
    data: ExportCell<Vec<f32>>,
}

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    #[buffer]
    data: Py<Other>,
}

fn main() {}
