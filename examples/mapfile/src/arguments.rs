//! Sizes and places that Python gives.

use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;

/// A number of bytes of at least `least`, or an exception that names the argument. No `isize` is exceeded.
pub(crate) fn bytes(value: &Bound<'_, PyAny>, name: &str, least: usize) -> PyResult<usize> {
    let py = value.py();
    let complaint = match value.extract::<isize>() {
        Ok(number) => match usize::try_from(number) {
            Ok(bytes) if bytes >= least => return Ok(bytes),
            _ => format!("must be at least {least}, not {number}"),
        },
        Err(error) if error.is_instance_of::<PyTypeError>(py) => {
            let kind = value.get_type().name()?;
            return Err(PyTypeError::new_err(format!("{name} must be an integer, not {kind}")));
        }
        // What no `isize` can hold is very large or very negative.
        Err(error) if error.is_instance_of::<PyOverflowError>(py) && value.lt(0)? => {
            format!("must be at least {least}")
        }
        Err(error) if error.is_instance_of::<PyOverflowError>(py) => "is too large for any file".to_owned(),
        Err(error) => return Err(error),
    };
    Err(PyValueError::new_err(format!("{name} {complaint}")))
}
