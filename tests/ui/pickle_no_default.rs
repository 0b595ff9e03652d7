use std::time::Instant;

use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[buffer(pickle)]
#[pyclass(frozen)]
struct Samples {
    data: ExportCell<Vec<f64>>,
    #[buffer(default)]
    started: Instant,
}

fn main() {}
