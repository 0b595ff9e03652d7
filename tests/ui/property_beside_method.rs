use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Table {
    #[buffer(get)]
    time: ExportCell<Vec<i64>>,
}

#[pymethods]
impl Table {
    fn time(&self) -> usize {
        0
    }
}

fn main() {}
