use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    strides: [isize; 2],
    #[buffer(shape = [_, 3], strides = self.strides)]
    data: ExportCell<Vec<f32>>,
}

fn main() {}
