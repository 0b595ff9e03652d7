use buffer_runtime::{ExportBuffer};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    #[buffer(shape = [4])]
    data: Py<PyAny>,
}

fn main() {}
