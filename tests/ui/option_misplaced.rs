use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    #[buffer(no_array)]
    data: ExportCell<Vec<f32>>,
}

fn main() {}
