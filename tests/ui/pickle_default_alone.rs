use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Samples {
    data: ExportCell<Vec<f64>>,
    #[buffer(default)]
    reads: u64,
}

fn main() {}
