//! Rust as a consumer: typed views of whatever Python exports.
//!
//! Everything is in the submodule `consumer`. A function takes the name of an element, since a view is of one type; those
//! that are as their users would write them are in `usage`, and `liar` is an exporter that says what it is told to.

use pyo3::prelude::*;

mod element;
mod liar;
mod reading;
mod usage;
mod writing;

pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    const NAME: &str = "buffer_tests_ext.consumer";
    let py = module.py();
    let consumer = PyModule::new(py, NAME)?;
    for add in [liar::add, reading::add, usage::add, writing::add] {
        add(&consumer)?;
    }
    module.add("consumer", &consumer)?;
    // So that it can be imported from.
    py.import("sys")?.getattr("modules")?.set_item(NAME, consumer)
}
