use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Whole {
    data: ExportCell<Vec<u8>>,
}

#[derive(ExportBuffer)]
#[pyclass]
struct Half {
    #[buffer(shape = [8], offset = 8, pin)]
    whole: Py<Whole>,
}

fn main() {}
