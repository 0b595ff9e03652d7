use buffer_runtime::ExportCell;
use pyo3::prelude::*;

fn largest(data: &ExportCell<Vec<u8>>, py: Python<'_>) -> PyResult<Option<u8>> {
    Ok(data.share(py)?.as_slice().iter().copied().max())
}

fn main() {}
