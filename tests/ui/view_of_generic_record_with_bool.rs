use buffer_runtime::{BufferElement, BufferView};
use pyo3::prelude::*;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Pair<T> {
    first: T,
    second: T,
}

fn count(pairs: &Bound<'_, PyAny>) -> PyResult<usize> {
    Ok(BufferView::<Pair<bool>>::from_object(pairs)?.len())
}

fn main() {}
