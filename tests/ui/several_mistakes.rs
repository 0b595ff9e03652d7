use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    ncols: usize,
    #[buffer(shape = [-1, 0, _], order = "K", read_only)]
    data: ExportCell<Vec<f32>>,
}

fn main() {}
