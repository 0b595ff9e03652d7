use buffer_runtime::ExportCell;
use pyo3::prelude::*;

fn double(data: &ExportCell<Vec<f64>>, py: Python<'_>) -> PyResult<()> {
    for item in data.share(py)?.iter_mut() {
        *item *= 2.0;
    }
    Ok(())
}

fn main() {}
