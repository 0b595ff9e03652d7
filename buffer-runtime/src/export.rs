//! We answer: how a class exports the memory of a cell, or a part of another object's.
//!
//! From the bottom up: `class` is what the derive says of a class; `grant` and `part` grant views of cells and of parts;
//! `slots` is what CPython calls, and `release` how views end.

pub mod array;
mod class;
mod cold;
mod grant;
mod part;
pub(crate) mod slots;

pub use self::class::{Byte, Bytes, Class, Exported, Exporter, Sendable, ShapeSource, holds_bytes};
pub use self::slots::{Entry, Slot, assert_exported};
