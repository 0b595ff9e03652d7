use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    #[buffer(shape = [2, _], order = "F", strides = [4, 8])]
    data: ExportCell<Vec<f32>>,
}

fn main() {}
