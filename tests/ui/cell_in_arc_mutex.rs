use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    #[buffer(readonly)]
    data: std::sync::Arc<std::sync::Mutex<ExportCell<Vec<f32>>>>,
}

fn main() {}
