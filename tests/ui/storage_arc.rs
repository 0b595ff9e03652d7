use std::sync::Arc;

use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Samples {
    data: ExportCell<Arc<[f32]>>,
}

fn main() {}
