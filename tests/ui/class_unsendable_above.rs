use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[pyclass(unsendable)]
#[derive(ExportBuffer)]
struct Samples {
    data: ExportCell<Vec<f32>>,
}

fn main() {}
