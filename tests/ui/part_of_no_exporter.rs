use buffer_runtime::{ExportBuffer};
use pyo3::prelude::*;

#[pyclass]
struct Other;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    #[buffer(shape = [4])]
    data: Py<Other>,
}

fn main() {}
