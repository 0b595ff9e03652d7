use buffer_runtime::ExportBuffer;
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Table {
    #[buffer(get)]
    time: Vec<i64>,
}

fn main() {}
