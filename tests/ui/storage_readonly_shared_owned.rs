use std::sync::Arc;

use buffer_runtime::ExportCell;
use pyo3::prelude::*;

fn start(py: Python<'_>, samples: &ExportCell<Arc<[f32]>>) -> PyResult<()> {
    let samples = samples.share_owned(py)?;
    std::thread::spawn(move || samples.fill(0.0));
    Ok(())
}

fn main() {}
