use buffer_runtime::{ExportBuffer, ExportCell, Part};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Samples {
    data: ExportCell<Vec<f64>>,
}

#[pymethods]
impl Samples {
    fn first(&self) -> PyResult<Part> {
        Part::new(self, |all| all.index(0, 0))
    }
}

fn main() {}
