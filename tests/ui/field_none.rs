use buffer_runtime::ExportBuffer;
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Samples {
    data: Vec<f32>,
}

fn main() {}
