//! `__array__`, so that numpy raises what a refused view raises.

use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyMemoryView};

/// Answers `__array__(dtype=None, copy=None)`.
///
/// numpy swallows the error of a refused view and goes on to ask for this method; without it it would make an array of one
/// object. So the view is asked for once more, and its error is raised. Where views are granted numpy never comes here.
///
/// # Errors
///
/// `BufferError` when the view is refused; whatever numpy raises otherwise.
pub fn array(object: &Bound<'_, PyAny>, dtype: Option<Bound<'_, PyAny>>, copy: Option<bool>) -> PyResult<Py<PyAny>> {
    let py = object.py();
    let view = PyMemoryView::from(object)?;
    let options = [("dtype", dtype.into_pyobject(py)?.into_any()), ("copy", copy.into_pyobject(py)?.into_any())];
    let array = py.import("numpy")?.call_method("array", (view,), Some(&options.into_py_dict(py)?))?;
    Ok(array.unbind())
}
