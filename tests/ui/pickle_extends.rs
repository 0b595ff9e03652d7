use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[pyclass(frozen, subclass)]
struct Base;

#[derive(ExportBuffer)]
#[buffer(pickle)]
#[pyclass(frozen, extends = Base)]
struct Samples {
    data: ExportCell<Vec<f64>>,
}

fn main() {}
