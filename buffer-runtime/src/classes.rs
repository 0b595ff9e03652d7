//! The Python classes of this crate.

use pyo3::exceptions::PyMemoryError;
use pyo3::impl_::pyclass::PyClassImpl;
use pyo3::prelude::*;
use pyo3::{PyClass, Python};

use crate::contain::contain;
use crate::exception::exception;

/// Creates a Python class of this crate before its first object. If PyO3 had to create the class with the object, it
/// would panic without memory.
///
/// # Errors
///
/// `MemoryError`: the only possible cause is a lack of memory.
pub(crate) fn make_class<T: PyClass>(py: Python<'_>) -> PyResult<()> {
    let made = contain(|| <T as PyClassImpl>::lazy_type_object().get_or_try_init(py).map(drop));
    made.map_err(|_| exception::<PyMemoryError>(py, "there is no memory for a Python class"))
}
