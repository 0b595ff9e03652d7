//! The field from which a part that is chosen at run time is taken.

use pyo3::{Py, PyAny};

use super::class::{Source, sealed};
use super::table::ClassTable;

/// The field of an object from which a part is taken.
///
/// Invariants:
///
/// 1. `owner` is an object of the class that the table belongs to, or of a subclass.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) owner: Py<PyAny>,
    pub(crate) table: &'static ClassTable,
}

// SAFETY: memory of any element type is bytes. Each view gets the field's own format and access at run time, from a
// view of the field.
unsafe impl Source for Whole {
    type Element = u8;

    const ROWS: bool = false;
    const STRIDED: bool = false;
    const ITEMS: Option<usize> = None;
    // The field's class declares it.
    const READONLY: bool = false;
    const PART: bool = true;
    const PART_OF_PART: bool = false;
}

impl sealed::Sealed for Whole {}
