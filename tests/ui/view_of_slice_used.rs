use buffer_runtime::BufferView;
use pyo3::prelude::*;

#[pyfunction]
fn count(items: BufferView<'_, [f64]>) -> usize {
    items.len()
}

fn main() {}
