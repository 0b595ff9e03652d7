use std::collections::HashMap;

use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Samples {
    data: ExportCell<HashMap<u32, f32>>,
}

// A cell of it can be constructed and borrowed, so that these uses are no errors as well.
#[pymethods]
impl Samples {
    #[new]
    fn new() -> Self {
        Self { data: ExportCell::new(HashMap::new()) }
    }

    fn insert(&self, py: Python<'_>, key: u32, value: f32) -> PyResult<()> {
        self.data.write(py)?.insert(key, value);
        Ok(())
    }
}

fn main() {}
