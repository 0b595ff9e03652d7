use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    len: usize,
    #[buffer(shape = self.len)]
    data: ExportCell<Vec<f32>>,
}

fn main() {}
