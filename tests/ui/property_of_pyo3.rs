use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Table {
    #[pyo3(get)]
    time: ExportCell<Vec<i64>>,
}

fn main() {}
