use buffer_runtime::StableView;
use pyo3::prelude::*;

#[pyfunction]
fn count(view: StableView<'_, [f64]>) {
    drop(view);
}

fn main() {}
