use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Points {
    data: ExportCell<Vec<Point>>,
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Point {
    x: f32,
    y: f32,
}

#[pymethods]
impl Points {
    #[new]
    fn new(len: usize) -> Self {
        Self { data: ExportCell::new(vec![Point { x: 0.0, y: 0.0 }; len]) }
    }
}

fn main() {}
