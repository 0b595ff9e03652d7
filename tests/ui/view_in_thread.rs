use std::thread;

use buffer_runtime::BufferViewMut;
use pyo3::prelude::*;

#[pyfunction]
fn clear(samples: BufferViewMut<'_, f32>) {
    thread::spawn(move || samples.fill(0.0));
}

fn main() {}
