use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    #[buffer(shape = [3], strides = [4], strides = [8])]
    data: ExportCell<Vec<f32>>,
}

fn main() {}
