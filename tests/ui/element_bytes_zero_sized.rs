use buffer_runtime::{Bytes, ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Names {
    data: ExportCell<Vec<Bytes<0>>>,
}

fn main() {}
