use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Image {
    data: ExportCell<Vec<u8>>,
}

#[derive(ExportBuffer)]
#[pyclass]
struct Row {
    #[buffer(shape = [3])]
    image: Option<Py<Image>>,
}

fn main() {}
