use std::sync::{Arc, Mutex};

use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Samples {
    data: ExportCell<Arc<Mutex<Vec<f32>>>>,
}

fn main() {}
