use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Matrix {
    #[buffer(shape = [_, self.ncols()])]
    data: ExportCell<Vec<f32>>,
}

impl Matrix {
    fn ncols(&self) -> PyResult<usize> {
        Ok(3)
    }
}

fn main() {}
