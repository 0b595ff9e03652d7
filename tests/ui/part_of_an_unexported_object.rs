use buffer_runtime::{ExportBuffer, ExportCell, Part};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Table {
    #[buffer(get)]
    time: ExportCell<Vec<i64>>,
}

#[pymethods]
impl Table {
    fn first(slf: &Bound<'_, Self>) -> PyResult<Part> {
        Part::new(slf, |all| all.index(0, 0))
    }
}

fn main() {}
