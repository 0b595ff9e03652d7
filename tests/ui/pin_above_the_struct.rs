use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[buffer(pin)]
#[pyclass]
struct Matrix {
    data: ExportCell<Vec<f32>>,
}

fn main() {}
