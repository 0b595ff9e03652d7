use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    dims: Vec<f32>,
    #[buffer(shape = self.dims)]
    data: ExportCell<Vec<f32>>,
}

fn main() {}
