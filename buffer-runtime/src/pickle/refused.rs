//! The exceptions of `pickle`.

use std::ffi::CStr;
use std::fmt::Display;

use pyo3::exceptions::{PyException, PyMemoryError};
use pyo3::ffi;
use pyo3::prelude::*;

use crate::exception::string;
use crate::lookup::{attribute, module};
use crate::pending::{Pending, raised};

/// `pickle.UnpicklingError`. `text` must not allocate.
pub(super) fn unpickling(py: Python<'_>, text: impl Display) -> PyErr {
    of_pickle(py, c"UnpicklingError", &text)
}

pub(super) fn is_unpickling(py: Python<'_>, error: &PyErr) -> bool {
    let class = module(py, c"pickle").and_then(|pickle| attribute(&pickle, c"UnpicklingError"));
    class.is_ok_and(|class| error.is_instance(py, &class))
}

/// `pickle.PicklingError`. `text` must not allocate.
pub(super) fn pickling(py: Python<'_>, text: impl Display) -> PyErr {
    of_pickle(py, c"PicklingError", &text)
}

fn of_pickle(py: Python<'_>, name: &CStr, text: &dyn Display) -> PyErr {
    let before = Pending::take(py);
    let error = match module(py, c"pickle").and_then(|pickle| attribute(&pickle, name)) {
        Ok(class) => {
            if let Some(text) = string(py, text) {
                // SAFETY: attached, as the token proves. The arguments are an exception class and a string; CPython
                // makes its own references to them.
                unsafe { ffi::PyErr_SetObject(class.as_ptr(), text.as_ptr()) };
            }
            raised(py)
        }
        Err(error) => error,
    };
    before.restore();
    error
}

/// The exception that `refusal` makes, with `error` as its cause. An error that no wrong pickle causes is returned
/// unchanged: a lack of memory, an interrupt, a panic.
pub(super) fn cause_of<'py>(py: Python<'py>, error: PyErr, refusal: impl FnOnce(Python<'py>) -> PyErr) -> PyErr {
    if !error.is_instance_of::<PyException>(py) || error.is_instance_of::<PyMemoryError>(py) {
        return error;
    }
    let refused = refusal(py);
    refused.set_cause(py, Some(error));
    refused
}
