use buffer_runtime::BufferView;
use pyo3::prelude::*;

#[pyfunction]
fn count(texts: BufferView<'_, String>) -> usize {
    texts.len()
}

fn main() {}
