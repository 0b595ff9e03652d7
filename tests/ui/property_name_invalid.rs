use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Table {
    #[buffer(get, name = "two words")]
    time: ExportCell<Vec<i64>>,
    #[buffer(get, name = day)]
    day: ExportCell<Vec<i64>>,
}

fn main() {}
