use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Samples {
    #[buffer(pickle)]
    data: ExportCell<Vec<f64>>,
}

fn main() {}
