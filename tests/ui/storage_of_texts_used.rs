use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Log {
    lines: ExportCell<Vec<String>>,
}

#[pymethods]
impl Log {
    fn append(&mut self, line: String) -> PyResult<()> {
        self.lines.write_or_detach()?.push(line);
        Ok(())
    }
}

fn main() {}
