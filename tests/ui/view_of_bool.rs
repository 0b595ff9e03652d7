use buffer_runtime::BufferView;
use pyo3::prelude::*;

#[pyfunction]
fn any(flags: BufferView<'_, bool>) -> bool {
    flags.iter().any(|flag| flag)
}

fn main() {}
