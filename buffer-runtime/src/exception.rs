//! Makes the exceptions of this crate in a way that works without memory.
//!
//! `PyErr::new` puts its arguments into a box; without memory for the box, Rust aborts the process. When PyO3 raises
//! the error, it makes a Python string of a `String`; without memory for that, it panics. So this module makes the
//! exception object at once. Without memory, `MemoryError` replaces the exception: CPython keeps some preallocated.

mod kept;

use std::fmt::{self, Display, Write};

use pyo3::exceptions::{PyBufferError, PyMemoryError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;
use pyo3::{PyErrArguments, PyTypeInfo, ffi};

use crate::error::{BorrowError, ViewError};
#[cfg(feature = "format")]
use crate::format::FormatError;
use crate::lock::Blocker;
use crate::lookup;
#[cfg(not(Py_3_11))]
use crate::lookup::attribute;
use crate::pending::{Pending, attached, raised};
use crate::request::Refusal;
use crate::shared::CopyError;
use crate::storage::ForeignBufferError;

/// An exception with a text, or `MemoryError`.
///
/// `text` must not allocate: pass `format_args` of values whose `Display` does not allocate.
pub(crate) fn exception<E: PyTypeInfo>(py: Python<'_>, text: impl Display) -> PyErr {
    exception_of_class(py, &class::<E>, &text)
}

/// Returns the class of an exception. No exception is pending when it is called, nor when it has returned.
type ClassOf<'a> = &'a dyn Fn(Python<'_>) -> Bound<'_, PyAny>;

fn class<E: PyTypeInfo>(py: Python<'_>) -> Bound<'_, PyAny> {
    E::type_object(py).into_any()
}

fn exception_of_class(py: Python<'_>, class: ClassOf<'_>, text: &dyn Display) -> PyErr {
    let before = Pending::take(py);
    if let Some(text) = string(py, text) {
        let class = class(py);
        // SAFETY: attached, as the token proves. The arguments are an exception class and a string; CPython makes its
        // own references to them.
        unsafe { ffi::PyErr_SetObject(class.as_ptr(), text.as_ptr()) };
    }
    let error = raised(py);
    before.restore();
    error
}

/// Sets the `BufferError` of a refused view, or `MemoryError`. No exception is pending.
///
/// This is what C code does. It is several times as fast as making a `PyErr` and then raising it.
pub(crate) fn raise_at_once(py: Python<'_>, error: ViewError) {
    if let ViewError::Request(refusal) = error {
        if let Some(text) = kept::text(py, refusal) {
            set(&class_of(py, error), text.as_ptr());
        }
        return;
    }
    let text = match error.static_text() {
        Some(text) => string_of(py, text.as_bytes()),
        None => string(py, &error),
    };
    if let Some(text) = text {
        set(&class_of(py, error), text.as_ptr());
    }
}

/// Sets an exception of this class with this text.
fn set(class: &Bound<'_, PyAny>, text: *mut ffi::PyObject) {
    // SAFETY: attached, as the token proves. The arguments are an exception class and a string; CPython makes its own
    // references to them.
    unsafe { ffi::PyErr_SetObject(class.as_ptr(), text) };
}

/// The class of the exception for a refused view, unless that is a `MemoryError`. No exception is pending.
fn class_of(py: Python<'_>, error: ViewError) -> Bound<'_, PyAny> {
    match error {
        ViewError::Request(Refusal::Malformed) => class::<PyValueError>(py),
        ViewError::Unstable { .. } | ViewError::Blocked { blocker: Blocker::StableViews { .. }, .. } => conflict(py),
        _ => class::<PyBufferError>(py),
    }
}

/// `BufferConflictError`, or its base class `BufferError` if the interpreter does not have it: CPython's draft of
/// stable views adds it.
fn conflict(py: Python<'_>) -> Bound<'_, PyAny> {
    let base = class::<PyBufferError>(py);
    let Some(found) = lookup::builtin(py, c"BufferConflictError") else { return base };
    // SAFETY: attached; both are alive, and the second is a class. The first may be any object.
    match unsafe { ffi::PyObject_IsSubclass(found.as_ptr(), base.as_ptr()) } {
        1 => found,
        is_subclass => {
            if is_subclass < 0 {
                drop(raised(py));
            }
            base
        }
    }
}

/// As [`exception`], without a token. On a thread that is not attached, PyO3 makes the exception object later.
pub(crate) fn exception_of<E: PyTypeInfo>(text: impl Display + Send + Sync + 'static) -> PyErr {
    match attached() {
        Some(py) => exception::<E>(py, text),
        None => exception_made_later::<E>(Box::new(text)),
    }
}

/// Does not depend on the type of the text, so that PyO3's code is compiled once for each class.
fn exception_made_later<E: PyTypeInfo>(text: Box<dyn Display + Send + Sync>) -> PyErr {
    PyErr::new::<E, _>(Text(text))
}

/// The text of an exception that PyO3 makes. Without memory for the text, the exception has no text, or `MemoryError`
/// replaces it.
pub(crate) struct Text<T>(pub(crate) T);

impl<T: Display + Send + Sync> PyErrArguments for Text<T> {
    fn arguments(self, py: Python<'_>) -> Py<PyAny> {
        string(py, &self.0).map_or_else(
            || {
                drop(PyErr::take(py));
                py.None()
            },
            Bound::unbind,
        )
    }
}

/// A string, or `None` with `MemoryError` set.
pub(crate) fn string<'py>(py: Python<'py>, text: &dyn Display) -> Option<Bound<'py, PyAny>> {
    let mut buffer = Buffer(Vec::new());
    if write!(buffer, "{text}").is_err() {
        // SAFETY: attached, as the token proves.
        unsafe { ffi::PyErr_NoMemory() };
        return None;
    }
    string_of(py, &buffer.0)
}

/// A string of UTF-8, or `None` with `MemoryError` set.
fn string_of<'py>(py: Python<'py>, bytes: &[u8]) -> Option<Bound<'py, PyAny>> {
    // SAFETY: attached, as the token proves; the bytes are alive, and their number fits an `isize`.
    let string = unsafe { ffi::PyUnicode_FromStringAndSize(bytes.as_ptr().cast(), bytes.len().cast_signed()) };
    // SAFETY: an owned reference, or NULL.
    unsafe { Bound::from_owned_ptr_or_opt(py, string) }
}

/// A target of `write!` that fails without memory instead of aborting.
struct Buffer(Vec<u8>);

impl Write for Buffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.try_reserve(text.len()).map_err(|_| fmt::Error)?;
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// The name of an object's class, for messages.
pub(crate) struct ClassName<'py>(Bound<'py, PyString>);

impl<'py> ClassName<'py> {
    /// # Errors
    ///
    /// `MemoryError`.
    pub(crate) fn of(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        #[cfg(Py_3_11)]
        let name = object.get_type().name()?;
        // PyO3 would first make a Python string of `__name__`, and panic without memory for it.
        #[cfg(not(Py_3_11))]
        let name = attribute(object.get_type().as_any(), c"__name__")?.cast_into()?;
        Ok(Self(name))
    }
}

impl Display for ClassName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // CPython refuses a name that is not UTF-8, so this fails only without memory.
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

impl From<CopyError> for PyErr {
    fn from(error: CopyError) -> Self {
        exception_of::<PyMemoryError>(error)
    }
}

impl From<ViewError> for PyErr {
    fn from(error: ViewError) -> Self {
        if error.is_out_of_memory() {
            return exception_of::<PyMemoryError>(error);
        }
        match attached() {
            Some(py) => exception_of_class(py, &|py| class_of(py, error), &error),
            None => exception_of::<PyBufferError>(error),
        }
    }
}

/// The reason why a view is not granted.
struct Refused<E>(E);

impl<E: Display> Display for Refused<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot grant a view: {}", self.0)
    }
}

/// The exception of a layout declaration whose format is refused.
#[cfg(feature = "format")]
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
