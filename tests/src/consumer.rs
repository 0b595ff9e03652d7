//! Rust as a consumer: typed views of whatever Python exports.
//!
//! Everything is in the submodule `consumer`. A function takes the name of an element, since a view has one element
//! type. The functions in `usage` are as users would write them, and `liar` is an exporter that reports whatever a test
//! sets.

use pyo3::prelude::*;

mod converted;
mod declared;
mod element;
mod floats;
mod liar;
mod reading;
mod stable;
mod usage;
mod writing;

pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    const NAME: &str = "buffer_tests_ext.consumer";
    let py = module.py();
    let consumer = PyModule::new(py, NAME)?;
    let adds =
        [converted::add, declared::add, floats::add, liar::add, reading::add, stable::add, usage::add, writing::add];
    for add in adds {
        add(&consumer)?;
    }
    module.add("consumer", &consumer)?;
    // So that Python can import from the submodule.
    py.import("sys")?.getattr("modules")?.set_item(NAME, consumer)
}
