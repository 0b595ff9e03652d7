//! Files mapped into memory, for Python.
//!
//! A mapped file cannot be resized while something points into it, and in Python something often still does: a `with`
//! variable outlives its block. The views of a `MapFile` do not, and headers are written without keeping any.

mod arguments;
mod extents;
mod file;
mod growth;
mod header;
mod limits;
mod mapping;

use pyo3::prelude::*;

/// See the stub, `mapfile.pyi`, for what Python finds here.
#[pymodule]
mod mapfile {
    #[pymodule_export]
    use super::file::MapFile;
    #[pymodule_export]
    use super::header::Header;
}
