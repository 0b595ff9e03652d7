use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[buffer(no_array)]
#[pyclass]
struct Table {
    #[buffer(get)]
    time: ExportCell<Vec<i64>>,
}

fn main() {}
