//! The exporter's side: how a class exports the memory of a cell, or a part of another object's memory.
//!
//! From the bottom up: `class` has what the derive declares about a class, and `reach` gets from an object to its
//! value. `release` ends views. `grant` and `part` grant views of cells and of parts; `evaluate` runs the user's layout
//! expressions for them. `plain` answers what needs no such expressions. `slots` has the functions that CPython calls.
//! `peek` reads a layout without handing out a view.

pub(crate) mod array;
mod class;
mod code;
pub mod declares;
mod descriptor;
mod evaluate;
mod fault;
mod grant;
pub mod literals;
mod mistaken;
mod named;
pub(crate) mod part;
pub(crate) mod peek;
pub(crate) mod plain;
mod reach;
pub(crate) mod release;
pub(crate) mod slots;
mod stable;
mod table;
mod text;
mod whole;

pub use self::class::{
    Byte, Declares, Entry, Exported, Exporter, Exports, HoldsBytes, ShapeSource, Slot, Source, address,
};
pub use self::descriptor::descriptor;
pub use self::fault::{
    Declaration, Faultless, HasBytes, HasOwnShape, HasShape, IsPartOfWhole, OwnsMemory, Unknown, WritableByPython,
};
pub use self::mistaken::*;
pub use self::named::{Named, New};
pub use self::reach::{Class, Sendable};
pub use self::slots::assert_exported;
pub(crate) use self::table::ClassTable;
pub use self::text::{TextByCode, TextOf};
pub(crate) use self::whole::Whole;

#[cfg(all(test, miri))]
mod tests;
