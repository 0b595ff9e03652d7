use buffer_runtime::BufferViewMut;
use pyo3::prelude::*;

fn clear(flags: &Bound<'_, PyAny>) -> PyResult<()> {
    BufferViewMut::from_object(flags)?.fill(false);
    Ok(())
}

fn main() {}
