use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    #[buffer(format = "T{<i:a:")]
    data: ExportCell<Vec<u8>>,
}

fn main() {}
