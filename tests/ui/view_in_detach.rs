use buffer_runtime::BufferView;
use pyo3::prelude::*;

#[pyfunction]
fn total(py: Python<'_>, samples: BufferView<'_, f32>) -> f32 {
    py.detach(|| samples.iter().sum())
}

fn main() {}
