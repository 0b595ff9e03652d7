use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass(unsendable)]
struct Samples {
    data: ExportCell<Vec<f32>>,
}

fn main() {}
