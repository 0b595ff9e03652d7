use buffer_runtime::{Be, BufferView};
use pyo3::prelude::*;

#[pyfunction]
fn count(flags: BufferView<'_, Be<bool>>) -> usize {
    flags.len()
}

fn main() {}
