use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    #[buffer(shape = self.dims())]
    data: ExportCell<Vec<f32>>,
}

impl Matrix {
    fn dims(&self) -> PyResult<Vec<usize>> {
        Ok(vec![2, 3])
    }
}

fn main() {}
