use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[buffer(crate = "facade::buffer_runtime")]
#[pyclass]
struct Samples {
    data: ExportCell<Vec<f32>>,
}

fn main() {}
