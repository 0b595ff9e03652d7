use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    #[buffer(pin = true)]
    data: ExportCell<Vec<f32>>,
}

fn main() {}
