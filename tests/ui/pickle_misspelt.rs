use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[buffer(pickel)]
#[pyclass]
struct Samples {
    data: ExportCell<Vec<f64>>,
    #[buffer(default)]
    appended: usize,
}

fn main() {}
