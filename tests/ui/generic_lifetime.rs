use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Samples<'a> {
    name: &'a str,
    data: ExportCell<Vec<f32>>,
}

fn main() {}
