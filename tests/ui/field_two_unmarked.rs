use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Pair {
    left: ExportCell<Vec<f32>>,
    right: ExportCell<Vec<f32>>,
}

fn main() {}
