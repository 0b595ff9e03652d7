use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Pair(ExportCell<Vec<f32>>, ExportCell<Vec<f32>>);

fn main() {}
