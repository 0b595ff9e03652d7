use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    steps: (isize, isize),
    #[buffer(shape = [2, 3], strides = self.steps)]
    data: ExportCell<Vec<f32>>,
}

fn main() {}
