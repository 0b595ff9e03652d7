//! The Python side: the only code that touches a `Py_buffer`.

pub mod array;
mod class;
mod cold;
mod contain;
mod export;
pub(crate) mod slots;

use pyo3::PyErr;
use pyo3::exceptions::PyBufferError;

pub use self::class::{Cell, Class, Exporter, Sendable, ShapeSource};
pub use self::slots::assert_exported;

use crate::error::{BorrowError, ViewError};

impl From<BorrowError> for PyErr {
    fn from(error: BorrowError) -> Self {
        PyBufferError::new_err(error.to_string())
    }
}

impl From<ViewError> for PyErr {
    fn from(error: ViewError) -> Self {
        PyBufferError::new_err(error.to_string())
    }
}
