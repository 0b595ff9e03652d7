//! Memory whose layout is known only at run time.
//!
//! `DynArray` copies bytes and exports them with the format, shape, strides and offset that Python passes. `Rows` keeps
//! each row in its own allocation. What cannot be exported is refused by the constructors, not at the first view.

mod arguments;
mod array;
mod limits;
mod rows;

use pyo3::prelude::*;

/// The stub `dynarray.pyi` documents this module for Python.
#[pymodule]
mod dynarray {
    #[pymodule_export]
    use super::array::DynArray;
    #[pymodule_export]
    use super::rows::Rows;
}
