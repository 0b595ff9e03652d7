use buffer_runtime::ExportBuffer;
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Samples {
    items: Vec<f64>,
}

fn main() {}
