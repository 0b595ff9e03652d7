//! Files mapped into memory, for Python.
//!
//! A mapped file cannot be resized while a pointer into it exists. In Python, such a pointer often still exists,
//! because the variable of a `with` statement outlives its block. The scoped views of a `MapFile` end with the block, and
//! headers keep no view.

mod arguments;
mod extents;
mod file;
mod growth;
mod header;
mod limits;
mod mapping;

use pyo3::prelude::*;

/// The stub `mapfile.pyi` documents this module for Python.
#[pymodule]
mod mapfile {
    #[pymodule_export]
    use super::file::MapFile;
    #[pymodule_export]
    use super::header::Header;
}
