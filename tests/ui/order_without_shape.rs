use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    #[buffer(order = "F")]
    data: ExportCell<Vec<[f32; 3]>>,
}

fn main() {}
