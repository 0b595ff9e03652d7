//! A class of every storage, layout and element, in the submodule `layouts`.
//!
//! `product` has all combinations of them, as the list `CLASSES`; `singles` has a class for each other variation: not
//! frozen, a tuple struct, an expression for a shape; `strided` has the classes that declare where their items are;
//! `storages` has the storages that `product` omits; `rows` has the classes whose rows are allocated one by one;
//! `parts` has the classes that export parts of other objects; `elements` has the elements that `product` omits, as the
//! list `ELEMENTS`, and `records` has the elements that are structs; `lives` has the classes whose end a test can
//! observe.

use pyo3::prelude::*;

mod content;
mod elements;
mod lives;
mod parts;
mod product;
mod records;
mod rows;
mod singles;
mod storages;
mod strided;

pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let layouts = PyModule::new(module.py(), "layouts")?;
    layouts.add("CLASSES", product::classes(module.py())?)?;
    layouts.add("ELEMENTS", elements::classes(module.py()))?;
    records::add(&layouts)?;
    singles::add(&layouts)?;
    storages::add(&layouts)?;
    strided::add(&layouts)?;
    rows::add(&layouts)?;
    parts::add(&layouts)?;
    lives::add(&layouts)?;
    module.add_submodule(&layouts)
}
