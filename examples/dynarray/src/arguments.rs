//! Reads arguments from Python. Every exception names the argument.

use std::fmt::Display;

use buffer_runtime::Format;
use pyo3::exceptions::{PyMemoryError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMapping, PyMemoryView, PyString};

use crate::limits::{exception, nested};

/// What a shape and strides are.
const SEQUENCE: &str = "a sequence of integers";
/// The largest number of dimensions.
const MAX_NDIM: usize = 64;

/// `ValueError: shape: ...`
pub(crate) fn wrong(argument: &str, what: impl Display) -> PyErr {
    exception::<PyValueError>(format_args!("{argument}: {what}"))
}

/// `MemoryError: data: ...`
pub(crate) fn out_of_memory(argument: &str, bytes: usize) -> PyErr {
    exception::<PyMemoryError>(format_args!("{argument}: no memory for {bytes} bytes"))
}

/// `TypeError: shape: expected a sequence of integers, not int`
pub(crate) fn not_a(what: &str, value: &Bound<'_, PyAny>, argument: &str) -> PyErr {
    let kind = value.get_type().name();
    kind.map_or_else(
        |error| error,
        |kind| exception::<PyTypeError>(format_args!("{argument}: expected {what}, not {kind}")),
    )
}

/// Adds the name of the argument to an exception.
pub(crate) fn name(py: Python<'_>, argument: &str, error: PyErr) -> PyErr {
    if error.is_instance_of::<PyTypeError>(py) {
        exception::<PyTypeError>(format_args!("{argument}: {}", error.value(py)))
    } else if error.is_instance_of::<PyValueError>(py) {
        wrong(argument, error.value(py))
    } else {
        error
    }
}

/// Reads the format. The default is `B`, as for memoryview.
pub(crate) fn format(value: Option<&Bound<'_, PyAny>>) -> PyResult<Format> {
    let text = value.map_or(Ok("B".to_owned()), |value| {
        let text = value.cast::<PyString>().map_err(|_| not_a("a string such as 'B'", value, "format"))?;
        text.extract::<String>().map_err(|error| name(value.py(), "format", error))
    })?;
    let format = Format::parse(&text).map_err(|error| wrong("format", error))?;
    if format.itemsize() == 0 {
        return Err(wrong("format", format_args!("an item of {text:?} has 0 bytes, but a buffer's have at least 1")));
    }
    Ok(format)
}

/// Reads an integer: any object with `__index__`.
pub(crate) fn integer(value: &Bound<'_, PyAny>, argument: &str) -> PyResult<isize> {
    let py = value.py();
    nested(|| value.extract()).map_err(|error: PyErr| {
        if !error.is_instance_of::<PyOverflowError>(py) {
            return name(py, argument, error);
        }
        // The number does not fit into an `isize`: it is very large or very negative. Only strides may be negative.
        match value.lt(0) {
            Ok(_) if argument == "strides" => wrong(argument, "the number reaches farther than any memory"),
            Ok(true) => wrong(argument, "the number is negative; write one from 0 on"),
            Ok(false) => wrong(argument, "the number is larger than any memory"),
            Err(error) => error,
        }
    })
}

/// Reads a truth value: any object.
pub(crate) fn truth(value: &Bound<'_, PyAny>, argument: &str) -> PyResult<bool> {
    nested(|| value.is_truthy()).map_err(|error| name(value.py(), argument, error))
}

/// Reads a sequence of integers.
pub(crate) fn integers(value: &Bound<'_, PyAny>, argument: &str) -> PyResult<Vec<isize>> {
    let no_sequence = |error: PyErr| {
        let py = value.py();
        if error.is_instance_of::<PyTypeError>(py) {
            not_a(SEQUENCE, value, argument)
        } else if error.is_instance_of::<PyOverflowError>(py) {
            wrong(argument, format_args!("more dimensions than the {MAX_NDIM} that a buffer may have"))
        } else {
            name(py, argument, error)
        }
    };
    // A mapping has a length and items too, but its items are not indexed by position. A string has no integers.
    if value.is_instance_of::<PyMapping>() || value.is_instance_of::<PyString>() {
        return Err(not_a(SEQUENCE, value, argument));
    }
    let len = nested(|| value.len()).map_err(no_sequence)?;
    if len > MAX_NDIM {
        return Err(wrong(argument, format_args!("{len} dimensions, but a buffer has at most {MAX_NDIM}")));
    }
    (0..len).map(|index| integer(&nested(|| value.get_item(index)).map_err(no_sequence)?, argument)).collect()
}

/// Copies the items of any buffer, contiguously and in C order.
pub(crate) fn bytes(value: &Bound<'_, PyAny>, argument: &str) -> PyResult<Vec<u8>> {
    let view = nested(|| PyMemoryView::from(value)).map_err(|error| name(value.py(), argument, error))?;
    // Calls the class and no method: PyO3 would make a string of the method's name, and panic if Python has no memory
    // for it.
    let items = value.py().get_type::<PyBytes>().call1((view,))?.cast_into::<PyBytes>()?;
    let mut copy = Vec::new();
    copy.try_reserve_exact(items.as_bytes().len()).map_err(|_| out_of_memory(argument, items.as_bytes().len()))?;
    copy.extend_from_slice(items.as_bytes());
    Ok(copy)
}
