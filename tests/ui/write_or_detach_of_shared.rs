use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;
use std::sync::Arc;

#[derive(ExportBuffer)]
#[pyclass]
struct Log {
    lines: ExportCell<Arc<Vec<u8>>>,
}

#[pymethods]
impl Log {
    fn clear(&mut self) -> PyResult<()> {
        *self.lines.write_or_detach()? = Arc::default();
        Ok(())
    }
}

fn main() {}
