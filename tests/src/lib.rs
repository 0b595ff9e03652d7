//! An extension module that exports every kind of buffer, and Rust's side of the tests that pytest runs.
//!
//! `layouts` has a class of every storage, layout and element; `edges` has the classes that break things on purpose;
//! `formats` shows what `Format` reads from a format string; `consumer` reads the buffers of other exporters.

use pyo3::prelude::*;

mod consumer;
mod edges;
mod formats;
mod layouts;

/// See `tests/python`.
#[pymodule]
fn buffer_tests_ext(module: &Bound<'_, PyModule>) -> PyResult<()> {
    layouts::add(module)?;
    edges::add(module)?;
    formats::add(module)?;
    consumer::add(module)
}
