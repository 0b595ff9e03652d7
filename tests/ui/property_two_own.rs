use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Table {
    #[buffer]
    time: ExportCell<Vec<i64>>,
    #[buffer(get, own)]
    value: ExportCell<Vec<f64>>,
}

fn main() {}
