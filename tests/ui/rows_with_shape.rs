use buffer_runtime::{ExportBuffer, ExportCell, Rows};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Table {
    #[buffer(shape = [_, 3])]
    rows: ExportCell<Rows<f32>>,
}

fn main() {}
