//! A class of every storage, layout and element, in the submodule `layouts`.
//!
//! `product` has all combinations of them, as the list `CLASSES`; `singles` has a class for each thing that a class can be
//! besides: not frozen, a tuple struct, with an expression for a shape; `strided` has those that say where their items are;
//! `rows` has those whose rows are allocated one by one; `parts` has those that show parts of other objects;
//! `lives` has those whose end can be watched.

use pyo3::prelude::*;

mod content;
mod lives;
mod parts;
mod product;
mod rows;
mod singles;
mod strided;

pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let layouts = PyModule::new(module.py(), "layouts")?;
    layouts.add("CLASSES", product::classes(module.py())?)?;
    singles::add(&layouts)?;
    strided::add(&layouts)?;
    rows::add(&layouts)?;
    parts::add(&layouts)?;
    lives::add(&layouts)?;
    module.add_submodule(&layouts)
}
