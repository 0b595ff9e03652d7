use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[buffer(pickle)]
#[pyclass(frozen)]
struct Flags {
    #[buffer(readonly)]
    data: ExportCell<Vec<bool>>,
}

fn main() {}
