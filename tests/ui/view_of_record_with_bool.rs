use buffer_runtime::{BufferElement, BufferView};
use pyo3::prelude::*;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Switch {
    level: u8,
    on: bool,
}

fn count(switches: &Bound<'_, PyAny>) -> PyResult<usize> {
    Ok(BufferView::<Switch>::from_object(switches)?.len())
}

fn main() {}
