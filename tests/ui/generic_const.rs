use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Samples<const N: usize> {
    data: ExportCell<[f32; N]>,
}

fn main() {}
