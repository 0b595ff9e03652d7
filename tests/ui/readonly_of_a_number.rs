use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    sealed: u8,
    #[buffer(readonly = self.sealed)]
    data: ExportCell<Vec<f32>>,
}

fn main() {}
