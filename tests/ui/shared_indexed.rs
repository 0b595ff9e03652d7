use buffer_runtime::ExportCell;
use pyo3::prelude::*;

fn reset(data: &ExportCell<Vec<f64>>, py: Python<'_>) -> PyResult<()> {
    let data = data.share(py)?;
    data[0] = 0.0;
    Ok(())
}

fn main() {}
