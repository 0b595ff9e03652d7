use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    nrows: usize,
    ncols: usize,
    #[buffer(shape = [slf.nrows, slf.ncols])]
    data: ExportCell<Vec<f32>>,
}

fn main() {}
