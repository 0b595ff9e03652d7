#![forbid(unsafe_code)]

use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Samples {
    #[buffer(shape = [{
        type Theirs = __Export;
        use __buffer as theirs;
        __DESCRIPTOR.itemsize
    }])]
    data: ExportCell<Vec<f32>>,
}

fn main() {}
