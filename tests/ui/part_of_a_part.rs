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
    #[buffer(shape = [8], offset = 8)]
    whole: Py<Whole>,
}

#[derive(ExportBuffer)]
#[pyclass]
struct Quarter {
    #[buffer(shape = [4], offset = 4)]
    half: Py<Half>,
}

fn main() {}
