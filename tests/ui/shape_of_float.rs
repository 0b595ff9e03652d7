use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    ncols: f64,
    #[buffer(shape = [_, self.ncols])]
    data: ExportCell<Vec<f32>>,
}

fn main() {}
