use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[buffer(pickle = 2)]
#[pyclass(frozen)]
struct Samples {
    data: ExportCell<Vec<f64>>,
}

fn main() {}
