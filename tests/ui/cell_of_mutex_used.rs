use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Matrix {
    data: ExportCell<std::sync::Mutex<Vec<f32>>>,
}

#[pymethods]
impl Matrix {
    #[new]
    fn new() -> Self {
        Self { data: ExportCell::new(std::sync::Mutex::new(Vec::new())) }
    }

    fn append(&self, py: Python<'_>, value: f32) -> PyResult<()> {
        self.data.write(py)?.push(value);
        Ok(())
    }

    fn __len__(&self) -> usize {
        self.data.len()
    }
}

fn main() {}
