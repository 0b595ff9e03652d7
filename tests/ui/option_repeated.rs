use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    #[buffer(readonly, readonly)]
    data: ExportCell<Vec<f32>>,
}

fn main() {}
