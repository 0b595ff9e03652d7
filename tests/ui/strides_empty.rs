use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    #[buffer(shape = [2, 3], strides = [])]
    data: ExportCell<Vec<f32>>,
}

fn main() {}
