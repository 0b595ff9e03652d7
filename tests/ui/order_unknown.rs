use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    ncols: usize,
    #[buffer(shape = [_, self.ncols], order = "K")]
    data: ExportCell<Vec<f32>>,
}

fn main() {}
