use std::cell::Cell;

use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Samples {
    taken: Cell<usize>,
    data: ExportCell<Vec<f32>>,
}

fn main() {}
