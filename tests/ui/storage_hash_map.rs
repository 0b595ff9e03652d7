use std::collections::HashMap;

use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Samples {
    data: ExportCell<HashMap<u32, f32>>,
}

fn main() {}
