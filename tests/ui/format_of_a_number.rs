use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    code: u8,
    #[buffer(format = self.code)]
    data: ExportCell<Vec<u8>>,
}

fn main() {}
