use buffer_runtime::{ExportBuffer, ExportCell, ForeignBuffer};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[buffer(pickle)]
#[pyclass(frozen)]
struct Samples {
    data: ExportCell<ForeignBuffer<f64>>,
}

fn main() {}
