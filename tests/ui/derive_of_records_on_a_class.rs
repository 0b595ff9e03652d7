use buffer_runtime::{BufferElement, ExportCell};
use pyo3::prelude::*;

#[derive(BufferElement)]
#[pyclass]
struct Samples {
    #[buffer(shape = [_, 3])]
    data: ExportCell<Vec<f32>>,
}

fn main() {}
