use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    #[buffer(shape = [4, 3], strides = [-12, 4])]
    data: ExportCell<Vec<f32>>,
}

fn main() {}
