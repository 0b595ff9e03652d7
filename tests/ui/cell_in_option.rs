use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    data: Option<ExportCell<Vec<f32>>>,
}

fn main() {}
