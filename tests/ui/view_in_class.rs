use buffer_runtime::BufferView;
use pyo3::prelude::*;

#[pyclass(frozen)]
struct Window {
    samples: BufferView<'static, f32>,
}

fn main() {}
