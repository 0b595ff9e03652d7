use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    data: ExportCell<std::sync::Arc<ExportCell<Vec<f32>>>>,
}

fn main() {}
