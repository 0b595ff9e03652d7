use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Pair {
    #[buffer]
    left: ExportCell<Vec<f32>>,
    #[buffer]
    right: ExportCell<Vec<f32>>,
}

fn main() {}
