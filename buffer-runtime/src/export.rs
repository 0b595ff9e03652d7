//! We answer: how a class exports the memory of a cell, or a part of another object's.
//!
//! From the bottom up: `class` is what the derive says of a class; `release` is how views end; `grant` and `part` grant views
//! of cells and of parts, for which `evaluate` runs what the user has declared; `slots` is what CPython calls.

pub mod array;
mod class;
mod evaluate;
mod grant;
mod part;
pub(crate) mod release;
pub(crate) mod slots;

pub use self::class::{
    Byte, Class, Declares, Entry, Exported, Exporter, HoldsBytes, Sendable, ShapeSource, Slot, descriptor, holds_bytes,
};
pub use self::slots::assert_exported;

#[cfg(all(test, miri))]
mod tests;
