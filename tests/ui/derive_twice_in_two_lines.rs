use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    data: ExportCell<Vec<f32>>,
}

fn main() {}
