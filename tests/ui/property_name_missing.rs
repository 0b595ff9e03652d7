use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Table(#[buffer(get)] ExportCell<Vec<i64>>);

fn main() {}
