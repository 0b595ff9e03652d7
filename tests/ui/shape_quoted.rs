use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    #[buffer(shape = "[_, 3]")]
    data: ExportCell<Vec<f32>>,
}

fn main() {}
