//! Conversions by numpy, which the first conversion imports.
//!
//! They call the C API with C strings; [`lookup`] says why.

use std::ffi::CStr;
use std::ptr;

use pyo3::exceptions::{PyImportError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;

use super::advice::{Dtype, unbuffered};
use super::wanted::Wanted;
use crate::exception::{ClassName, exception, string};
use crate::lookup::{self, attribute};
use crate::pending::{owned, raised};

/// Converts an object to a new array of the wanted items, C-contiguous and aligned. The function of numpy of this name
/// makes an array of the object.
#[inline]
pub(super) fn convert<'py>(object: &Bound<'py, PyAny>, function: &CStr, wanted: Wanted) -> PyResult<Bound<'py, PyAny>> {
    let py = object.py();
    let class = ClassName::of(object)?;
    let Some(dtype) = Dtype::of(wanted) else {
        return Err(exception::<PyTypeError>(py, unbuffered(object).message(wanted, class)));
    };
    let numpy = lookup::numpy(py).map_err(|error| {
        if !error.is_instance_of::<PyImportError>(py) {
            return error;
        }
        let text = format_args!(
            "cannot convert this '{class}' to {dtype} without numpy; install numpy, or pass a buffer of items of format \
             '{}'",
            wanted.format.to_string_lossy()
        );
        caused_by(py, exception::<PyImportError>(py, text), error)
    })?;
    let array = call(&attribute(&numpy, function)?, &[object]).map_err(|error| {
        // Other exceptions come from other code, such as an exporter that refuses the view, or are not about the
        // conversion.
        let text = format_args!("cannot convert this '{class}' to {dtype}: {}", error.value(py));
        if error.is_instance_of::<PyValueError>(py) {
            exception::<PyValueError>(py, text)
        } else if error.is_instance_of::<PyTypeError>(py) {
            exception::<PyTypeError>(py, text)
        } else {
            error
        }
    })?;
    let found = attribute(&array, c"dtype")?;
    let between_integers =
        dtype.is_integer() && matches!(&*attribute(&found, c"kind")?.extract::<String>()?, "i" | "u");
    let is_empty = attribute(&array, c"size")?.extract::<usize>()? == 0;
    let casting = if between_integers || is_empty { c"unsafe" } else { c"same_kind" };
    let converted = cast(&array, dtype, casting).map_err(|error| {
        if !error.is_instance_of::<PyTypeError>(py) {
            return error;
        }
        let text = format_args!(
            "cannot convert this '{class}' to {dtype} without loss: its items are of dtype '{found}'; pass numbers that \
             {dtype} can hold, or convert it first, for example with np.asarray(x, dtype='{dtype}')"
        );
        exception::<PyTypeError>(py, text)
    })?;
    // numpy would keep the lower bits of an integer, and the first bytes of a string.
    if (between_integers || dtype.is_bytes())
        && !call(&attribute(&numpy, c"array_equal")?, &[&array, &converted])?.is_truthy()?
    {
        let text = format_args!(
            "cannot convert this '{class}' to {dtype}: some items do not fit; pass only items that {dtype} can hold"
        );
        return Err(exception::<PyValueError>(py, text));
    }
    Ok(converted)
}

#[inline]
fn call<'py, const N: usize>(
    callable: &Bound<'py, PyAny>,
    args: &[&Bound<'py, PyAny>; N],
) -> PyResult<Bound<'py, PyAny>> {
    const { assert!(N == 1 || N == 2) }
    // NULL ends the arguments.
    let second = args.get(1).map_or(ptr::null_mut(), |second| second.as_ptr());
    let end = ptr::null_mut::<ffi::PyObject>();
    // SAFETY: attached, with a callable and arguments that are alive.
    let result = unsafe { ffi::PyObject_CallFunctionObjArgs(callable.as_ptr(), args[0].as_ptr(), second, end) };
    // SAFETY: the result is an owned reference, or NULL.
    unsafe { owned(callable.py(), result) }
}

/// `array.astype(dtype, 'C', casting)`, which copies.
#[inline]
fn cast<'py>(array: &Bound<'py, PyAny>, dtype: Dtype, casting: &CStr) -> PyResult<Bound<'py, PyAny>> {
    let py = array.py();
    let dtype = string(py, &dtype).ok_or_else(|| raised(py))?;
    let (method, format, order) = (c"astype".as_ptr(), c"Oss".as_ptr(), c"C".as_ptr());
    // SAFETY: attached, with objects that are alive; the format takes an object and two texts.
    let converted =
        unsafe { ffi::PyObject_CallMethod(array.as_ptr(), method, format, dtype.as_ptr(), order, casting.as_ptr()) };
    // SAFETY: the result is an owned reference, or NULL.
    unsafe { owned(py, converted) }
}

#[inline]
fn caused_by(py: Python<'_>, error: PyErr, cause: PyErr) -> PyErr {
    error.set_cause(py, Some(cause));
    error
}
