use buffer_runtime::BufferViewMut;
use pyo3::prelude::*;

#[pyfunction]
fn clear(py: Python<'_>, samples: BufferViewMut<'_, f32>) {
    py.detach(move || samples.fill(0.0));
}

fn main() {}
