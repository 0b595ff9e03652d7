use buffer_runtime::{ExportBuffer, ExportCell, Part};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Table {
    #[buffer(get, own)]
    time: ExportCell<Vec<i64>>,
    #[buffer(get, own)]
    value: ExportCell<Vec<f64>>,
}

#[pymethods]
impl Table {
    fn times(slf: &Bound<'_, Self>, index: usize) -> PyResult<Part> {
        Part::new(slf, |all| all.index(0, index))
    }

    fn values(slf: &Bound<'_, Self>, index: usize) -> PyResult<Part> {
        Part::of_field(slf, |table| &table.value, |all| all.index(0, index))
    }
}

fn main() {}
