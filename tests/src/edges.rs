//! Classes that misbehave on purpose, and Rust's side of the tests of the lock and of the slots.
//!
//! Everything is in the submodule `edges`: owners whose cells are swapped and dropped while they are viewed; guards
//! that are held, leaked or ended on other threads; shapes that run Python; requests as C code makes them; and
//! exporters of other code.

use pyo3::prelude::*;

mod compared;
mod ended;
mod foreign;
mod hammer;
mod memory;
mod owned;
mod owners;
mod parted;
mod pieces;
mod raw;
mod scoped;
mod series;
mod several;
mod shaped;
mod tensors;
mod traced;
mod travel;
mod travelled;
mod varying;
mod watched;
mod written;

pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    const NAME: &str = "buffer_tests_ext.edges";
    let py = module.py();
    let edges = PyModule::new(py, NAME)?;
    for add in [
        compared::add,
        ended::add,
        foreign::add,
        hammer::add,
        memory::add,
        owned::add,
        owners::add,
        parted::add,
        pieces::add,
        raw::add,
        scoped::add,
        series::add,
        several::add,
        shaped::add,
        tensors::add,
        traced::add,
        travel::add,
        travelled::add,
        varying::add,
        watched::add,
        written::add,
    ] {
        add(&edges)?;
    }
    module.add("edges", &edges)?;
    // So that Python can import from the submodule.
    py.import("sys")?.getattr("modules")?.set_item(NAME, edges)
}
