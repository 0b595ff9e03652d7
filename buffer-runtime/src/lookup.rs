//! Looks up modules and attributes of Python.
//!
//! The functions of the C API that are called here take names as C strings. PyO3 would make Python strings of the names,
//! and panic without memory.

use std::ffi::CStr;

use pyo3::{Bound, PyAny, PyResult, Python, ffi};

use crate::pending::owned;

/// The module numpy, which is imported at the first call.
pub(crate) fn numpy(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    module(py, c"numpy")
}

/// A module, which is imported at the first call.
pub(crate) fn module<'py>(py: Python<'py>, name: &CStr) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: attached, as the token proves; the name is a text.
    let module = unsafe { ffi::PyImport_ImportModule(name.as_ptr()) };
    // SAFETY: the result is an owned reference, or NULL.
    unsafe { owned(py, module) }
}

/// `object.name`
pub(crate) fn attribute<'py>(object: &Bound<'py, PyAny>, name: &CStr) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: attached, with an object that is alive, and a text.
    let value = unsafe { ffi::PyObject_GetAttrString(object.as_ptr(), name.as_ptr()) };
    // SAFETY: the result is an owned reference, or NULL.
    unsafe { owned(object.py(), value) }
}
