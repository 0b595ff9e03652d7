//! Reads arguments from Python: sizes, offsets, numbers and paths.

use std::path::PathBuf;

use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::limits::{exception, nested};

/// A number of bytes of at least `least`, or an exception that names the argument. The number fits in an `isize`.
pub(crate) fn bytes(value: &Bound<'_, PyAny>, name: &str, least: usize) -> PyResult<usize> {
    let complaint = match nested(|| value.extract::<isize>()) {
        Ok(number) => match usize::try_from(number) {
            Ok(bytes) if bytes >= least => return Ok(bytes),
            _ => format!("must be at least {least}, not {number}"),
        },
        // The number does not fit into an `isize`: it is very large or very negative.
        Err(error) if is_overflow(&error, value) && value.lt(0)? => format!("must be at least {least}"),
        Err(error) if is_overflow(&error, value) => "is too large for any file".to_owned(),
        Err(error) => return Err(not_an_integer(error, value, name)?),
    };
    Err(exception::<PyValueError>(format_args!("{name} {complaint}")))
}

/// A number that fits into a `T`, or an exception that names the attribute.
pub(crate) fn number<T: TryFrom<u64>>(value: &Bound<'_, PyAny>, name: &str) -> PyResult<T> {
    match value.extract::<u64>() {
        Ok(number) => T::try_from(number).ok(),
        Err(error) if is_overflow(&error, value) => None,
        Err(error) => return Err(not_an_integer(error, value, name)?),
    }
    .ok_or_else(|| {
        let largest = u64::MAX >> (64 - 8 * size_of::<T>());
        exception::<PyOverflowError>(format_args!("{name} must be at least 0 and at most {largest}"))
    })
}

fn is_overflow(error: &PyErr, value: &Bound<'_, PyAny>) -> bool {
    error.is_instance_of::<PyOverflowError>(value.py())
}

/// Replaces a `TypeError` by one that names the argument. Any other exception is returned unchanged.
fn not_an_integer(error: PyErr, value: &Bound<'_, PyAny>, name: &str) -> PyResult<PyErr> {
    if !error.is_instance_of::<PyTypeError>(value.py()) {
        return Ok(error);
    }
    let kind = value.get_type().name()?;
    Ok(exception::<PyTypeError>(format_args!("{name} must be an integer, not {kind}")))
}

/// Exactly `N` bytes, or an exception that names the attribute.
pub(crate) fn byte_string<const N: usize>(value: &Bound<'_, PyAny>, name: &str) -> PyResult<[u8; N]> {
    let Ok(bytes) = value.extract::<&[u8]>() else {
        let kind = value.get_type().name()?;
        return Err(exception::<PyTypeError>(format_args!("{name} must be bytes, not {kind}")));
    };
    let len = bytes.len();
    bytes.try_into().map_err(|_| exception::<PyValueError>(format_args!("{name} must be {N} bytes, not {len}")))
}

/// A path as `open` accepts it: a string, bytes, or an `os.PathLike` object.
pub(crate) fn file_path(value: &Bound<'_, PyAny>) -> PyResult<PathBuf> {
    let py = value.py();
    // SAFETY: attached, as the object says, which is alive.
    let path = unsafe { ffi::PyOS_FSPath(value.as_ptr()) };
    // SAFETY: it is an owned reference, or NULL with an exception set.
    let path = unsafe { Bound::from_owned_ptr_or_err(py, path) }.map_err(|error| no_path(value, error))?;
    let Ok(bytes) = path.cast::<PyBytes>() else { return path.extract() };
    #[cfg(unix)]
    {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;

        Ok(OsStr::from_bytes(bytes.as_bytes()).into())
    }
    #[cfg(not(unix))]
    Ok(String::from_utf8(bytes.as_bytes().to_vec())?.into())
}

/// Names the argument, unless the exception comes from an `__fspath__`.
fn no_path(value: &Bound<'_, PyAny>, error: PyErr) -> PyErr {
    let class = value.get_type();
    // SAFETY: attached, as the object says, whose class is alive; the name is static.
    if unsafe { ffi::PyObject_HasAttrString(class.as_ptr(), c"__fspath__".as_ptr()) } != 0 {
        return error;
    }
    class.name().map_or_else(
        |error| error,
        |kind| exception::<PyTypeError>(format_args!("path must be str, bytes or os.PathLike, not {kind}")),
    )
}
