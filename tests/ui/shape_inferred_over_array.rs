use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    #[buffer(shape = [_, 5])]
    data: ExportCell<[f32; 16]>,
}

fn main() {}
