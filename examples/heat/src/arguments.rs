//! The arguments of a plate, each with an exception that names it.

use std::fmt::Display;

use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::diffusion::LARGEST_RATE;
use crate::limits::{exception, nested};

/// A number of rows or columns. A plate with fewer than three has no inner cells.
pub(crate) fn extent(value: &Bound<'_, PyAny>, name: &str) -> PyResult<usize> {
    let number = integer(value, name, "at least 3")?;
    match usize::try_from(number) {
        Ok(extent) if extent >= 3 => Ok(extent),
        _ => Err(exception::<PyValueError>(format_args!("{name} must be at least 3, not {number}"))),
    }
}

/// A number of steps.
pub(crate) fn steps(value: &Bound<'_, PyAny>) -> PyResult<u64> {
    let number = integer(value, "n", "at least 0")?;
    u64::try_from(number).map_err(|_| exception::<PyValueError>(format_args!("n must be at least 0, not {number}")))
}

/// The part of a difference between neighbours that a cell takes over in one step.
pub(crate) fn rate(value: &Bound<'_, PyAny>) -> PyResult<f64> {
    let rate = match nested(|| value.extract::<f64>()) {
        Ok(rate) if rate > 0.0 && rate <= LARGEST_RATE => return Ok(rate),
        Ok(rate) => rate,
        Err(error) if error.is_instance_of::<PyOverflowError>(value.py()) => f64::INFINITY,
        Err(error) => return Err(expected("rate must be a real number", value, error)),
    };
    Err(exception::<PyValueError>(format_args!(
        "rate must be more than 0 and at most {LARGEST_RATE}, where steps become unstable, not {rate}"
    )))
}

fn integer(value: &Bound<'_, PyAny>, name: &str, limit: impl Display) -> PyResult<i64> {
    let py = value.py();
    match nested(|| value.extract::<i64>()) {
        Ok(number) => Ok(number),
        Err(error) if error.is_instance_of::<PyOverflowError>(py) => Err(if value.lt(0)? {
            exception::<PyValueError>(format_args!("{name} must be {limit}"))
        } else {
            exception::<PyValueError>(format_args!("{name} is too large"))
        }),
        Err(error) => Err(expected(format_args!("{name} must be an integer"), value, error)),
    }
}

/// Replaces a `TypeError` by one that names the expected type. Any other exception comes from the object, and is kept.
fn expected(what: impl Display, value: &Bound<'_, PyAny>, error: PyErr) -> PyErr {
    if !error.is_instance_of::<PyTypeError>(value.py()) {
        return error;
    }
    let kind = value.get_type().name();
    kind.map_or_else(|error| error, |kind| exception::<PyTypeError>(format_args!("{what}, not {kind}")))
}
