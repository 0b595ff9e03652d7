use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    #[buffer(shape = [_, 18_446_744_073_709_551_618])]
    data: ExportCell<Vec<f32>>,
}

fn main() {}
