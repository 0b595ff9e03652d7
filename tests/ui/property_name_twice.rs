use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Table {
    #[buffer(get)]
    time: ExportCell<Vec<i64>>,
    #[buffer(get, name = "time")]
    hour: ExportCell<Vec<i64>>,
    #[pyo3(get)]
    day: i64,
    #[buffer(get, name = "day")]
    days: ExportCell<Vec<i64>>,
}

fn main() {}
