//! Memory whose layout is known only at run time.
//!
//! `DynArray` copies bytes and exports them with the format, shape, strides and offset that Python asks for. `Rows` keeps
//! each row in an allocation of its own. What cannot be exported is refused when it is made, and not at the first view.

mod arguments;
mod array;
mod limits;
mod rows;

use pyo3::prelude::*;

/// See the stub, `dynarray.pyi`, for what Python finds here.
#[pymodule]
mod dynarray {
    #[pymodule_export]
    use super::array::DynArray;
    #[pymodule_export]
    use super::rows::Rows;
}
