use buffer_runtime::BufferView;
use pyo3::prelude::*;

#[pyfunction]
fn count(view: BufferView<'_, [f64]>) {
    drop(view);
}

fn main() {}
