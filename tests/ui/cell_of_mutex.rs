use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    data: ExportCell<std::sync::Mutex<Vec<f32>>>,
}

fn main() {}
