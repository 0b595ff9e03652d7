use std::thread;

use buffer_runtime::BufferView;
use pyo3::prelude::*;

#[pyfunction]
fn total(samples: BufferView<'_, f32>) -> f32 {
    let items = samples.iter();
    thread::scope(|scope| scope.spawn(move || items.sum()).join().unwrap())
}

fn main() {}
