#![deny(unused_must_use)]

use buffer_runtime::{BufferView, ExportCell};
use pyo3::prelude::*;

fn drop_at_once(py: Python<'_>, samples: &ExportCell<Vec<f32>>, object: &Bound<'_, PyAny>) -> PyResult<()> {
    samples.write(py)?;
    samples.read(py)?;
    samples.share(py)?;
    samples.share(py);
    BufferView::<f32>::from_object(object)?;
    Ok(())
}

fn main() {}
