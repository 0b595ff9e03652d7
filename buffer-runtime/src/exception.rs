//! Exceptions of ours, made without taking it for granted that there is memory for them.
//!
//! `PyErr::new` puts what it is given into a box, for which Rust ends the process where there is no memory; and what PyO3 makes
//! of a `String` when it raises, for which it panics. So the exception is made here and now, and `MemoryError`, which CPython
//! keeps some of, takes its place if need be.

use std::fmt::{self, Display, Write};

use pyo3::exceptions::{PyBufferError, PyMemoryError};
use pyo3::prelude::*;
use pyo3::types::PyString;
use pyo3::{PyErrArguments, PyTypeInfo, ffi};

use crate::error::{BorrowError, ViewError};
use crate::format::FormatError;
#[cfg(not(Py_3_11))]
use crate::pending::owned;
use crate::pending::{Pending, attached, raised};
use crate::storage::ForeignBufferError;

/// An exception with a text, or `MemoryError`.
///
/// The text is to be made without memory of its own: of `format_args`, and of values whose `Display` takes none.
pub(crate) fn exception<E: PyTypeInfo>(py: Python<'_>, text: impl Display) -> PyErr {
    let before = Pending::take(py);
    if let Some(text) = string(py, text) {
        let class = E::type_object_raw(py).cast();
        // SAFETY: attached, as the token says; a class of exceptions and a string, which CPython takes references to.
        unsafe { ffi::PyErr_SetObject(class, text.as_ptr()) };
    }
    let error = raised(py);
    before.restore();
    error
}

/// The same without a token. A thread that is not attached has to leave it to PyO3 to make the exception some time later.
pub(crate) fn exception_of<E: PyTypeInfo>(text: impl Display + Send + Sync + 'static) -> PyErr {
    match attached() {
        Some(py) => exception::<E>(py, text),
        None => PyErr::new::<E, _>(Text(text)),
    }
}

/// The text of an exception that PyO3 makes. Where there is no memory for it the exception goes without, or `MemoryError` takes
/// its place.
pub(crate) struct Text<T>(pub(crate) T);

impl<T: Display + Send + Sync> PyErrArguments for Text<T> {
    fn arguments(self, py: Python<'_>) -> Py<PyAny> {
        string(py, self.0).map_or_else(
            || {
                drop(PyErr::take(py));
                py.None()
            },
            Bound::unbind,
        )
    }
}

/// A string, or `None` where `MemoryError` is set.
fn string(py: Python<'_>, text: impl Display) -> Option<Bound<'_, PyAny>> {
    let mut buffer = Buffer(Vec::new());
    if write!(buffer, "{text}").is_err() {
        // SAFETY: attached, as the token says.
        unsafe { ffi::PyErr_NoMemory() };
        return None;
    }
    let bytes = buffer.0;
    // SAFETY: attached, as the token says; so many bytes are there, and no text is longer than memory.
    let string = unsafe { ffi::PyUnicode_FromStringAndSize(bytes.as_ptr().cast(), bytes.len().cast_signed()) };
    // SAFETY: an owned reference, or NULL.
    unsafe { Bound::from_owned_ptr_or_opt(py, string) }
}

/// Where a text is written. `write!` fails where there is no memory.
struct Buffer(Vec<u8>);

impl Write for Buffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.try_reserve(text.len()).map_err(|_| fmt::Error)?;
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// The name of an object's class, to be displayed.
pub(crate) struct ClassName<'py>(Bound<'py, PyString>);

impl<'py> ClassName<'py> {
    /// # Errors
    ///
    /// `MemoryError`.
    pub(crate) fn of(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        #[cfg(Py_3_11)]
        let name = object.get_type().name()?;
        // PyO3 would make a string of `__name__` first, and panic where there is no memory for it.
        #[cfg(not(Py_3_11))]
        let name = {
            let py = object.py();
            let class = object.get_type();
            // SAFETY: attached, with a class that is alive; the text is static.
            let name = unsafe { ffi::PyObject_GetAttrString(class.as_ptr(), c"__name__".as_ptr()) };
            // SAFETY: that is an owned reference, or NULL.
            unsafe { owned(py, name) }?.cast_into()?
        };
        Ok(Self(name))
    }
}

impl Display for ClassName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // CPython refuses a name that is not UTF-8, so this fails without memory alone.
        f.write_str(self.0.to_str().map_err(|_| fmt::Error)?)
    }
}

impl From<BorrowError> for PyErr {
    fn from(error: BorrowError) -> Self {
        if error.is_out_of_memory() {
            exception_of::<PyMemoryError>(error)
        } else {
            exception_of::<PyBufferError>(error)
        }
    }
}

impl From<ViewError> for PyErr {
    fn from(error: ViewError) -> Self {
        if error.is_out_of_memory() {
            exception_of::<PyMemoryError>(error)
        } else {
            exception_of::<PyBufferError>(error)
        }
    }
}

/// What keeps a view from being granted.
struct Refused<E>(E);

impl<E: Display> Display for Refused<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot grant a view: {}", self.0)
    }
}

/// As what the declaration of a layout raises.
impl From<FormatError> for PyErr {
    fn from(error: FormatError) -> Self {
        let is_out_of_memory = error.is_out_of_memory();
        let text = Refused(error);
        if is_out_of_memory { exception_of::<PyMemoryError>(text) } else { exception_of::<PyBufferError>(text) }
    }
}

impl From<ForeignBufferError> for PyErr {
    fn from(error: ForeignBufferError) -> Self {
        match error {
            ForeignBufferError::Misaligned { .. } => exception_of::<PyBufferError>(error),
            ForeignBufferError::Null { .. }
            | ForeignBufferError::TooLong { .. }
            | ForeignBufferError::PastTheEnd { .. } => exception_of::<PyMemoryError>(error),
        }
    }
}
