use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Samples<T> {
    data: ExportCell<Vec<T>>,
}

fn main() {}
