//! Looks up modules and attributes of Python.
//!
//! The functions of the C API that are called here take names as C strings. PyO3 would make Python strings of the
//! names, and panic without memory.

use std::ffi::CStr;
#[cfg(feature = "pickle")]
use std::fmt;
use std::ptr;

#[cfg(feature = "consumer")]
use pyo3::exceptions::PyAttributeError;
use pyo3::{Bound, PyAny, PyResult, Python, ffi};
#[cfg(feature = "pickle")]
use pyo3::{Py, sync::PyOnceLock, types::PyDict};

use crate::pending::{owned, raised};

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

/// The value of a key of a `dict`, if it has the key. Another thread may change the dict.
#[cfg(feature = "pickle")]
pub(crate) fn item<'py>(dict: &Bound<'py, PyDict>, key: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let mut value = ptr::null_mut();
    // SAFETY: attached, with a dict and a key that are alive, and room for a reference.
    let found = unsafe { ffi::compat::PyDict_GetItemRef(dict.as_ptr(), key.as_ptr(), &raw mut value) };
    if found < 0 {
        return Err(raised(dict.py()));
    }
    // SAFETY: the result is an owned reference, or NULL.
    Ok(unsafe { Bound::from_owned_ptr_or_opt(dict.py(), value) })
}

/// A name, of which Python's string is made once. The string is interned.
#[cfg(feature = "pickle")]
pub(crate) struct Name {
    text: &'static CStr,
    string: PyOnceLock<Py<PyAny>>,
}

#[cfg(feature = "pickle")]
impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

#[cfg(feature = "pickle")]
impl Name {
    /// `text` is UTF-8.
    pub(crate) const fn new(text: &'static CStr) -> Self {
        Self { text, string: PyOnceLock::new() }
    }

    /// For messages.
    pub(crate) fn text(&self) -> &'static str {
        self.text.to_str().unwrap_or("")
    }

    pub(crate) fn string<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyAny>> {
        let string = self.string.get_or_try_init(py, || {
            // SAFETY: attached, as the token proves, with a C string.
            let string = unsafe { ffi::PyUnicode_InternFromString(self.text.as_ptr()) };
            // SAFETY: the result is an owned reference, or NULL.
            unsafe { owned(py, string) }.map(Bound::unbind)
        });
        Ok(string?.bind(py))
    }

    /// `object.name`
    pub(crate) fn of<'py>(&self, object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let name = self.string(object.py())?;
        // SAFETY: attached, with an object and a string that are alive.
        let value = unsafe { ffi::PyObject_GetAttr(object.as_ptr(), name.as_ptr()) };
        // SAFETY: the result is an owned reference, or NULL.
        unsafe { owned(object.py(), value) }
    }

    /// `object.name`, or `None` if there is no such attribute.
    pub(crate) fn of_any<'py>(&self, object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let name = self.string(object.py())?;
        let mut value = ptr::null_mut();
        // SAFETY: attached, with an object and a string that are alive, and room for a reference.
        let found = unsafe { ffi::compat::PyObject_GetOptionalAttr(object.as_ptr(), name.as_ptr(), &raw mut value) };
        if found < 0 {
            return Err(raised(object.py()));
        }
        // SAFETY: the result is an owned reference, or NULL.
        Ok(unsafe { Bound::from_owned_ptr_or_opt(object.py(), value) })
    }
}

/// `object.name`, or `None` if there is no such attribute.
#[cfg(feature = "consumer")]
pub(crate) fn optional<'py>(object: &Bound<'py, PyAny>, name: &CStr) -> PyResult<Option<Bound<'py, PyAny>>> {
    match attribute(object, name) {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_instance_of::<PyAttributeError>(object.py()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The builtin of this name. `None` if the interpreter has none, or without memory for the name. No exception is
/// pending before or afterwards.
pub(crate) fn builtin<'py>(py: Python<'py>, name: &CStr) -> Option<Bound<'py, PyAny>> {
    // SAFETY: attached, as the token proves; the text is static.
    let name = unsafe { ffi::PyUnicode_FromString(name.as_ptr()) };
    // SAFETY: the result is an owned reference, or NULL.
    let found = unsafe { owned(py, name) }.ok().and_then(|name| {
        // SAFETY: attached; the dict is borrowed from the interpreter.
        let builtins = unsafe { ffi::PyEval_GetBuiltins() };
        let mut found = ptr::null_mut();
        // SAFETY: attached, with a dict and a string that are alive.
        unsafe { ffi::compat::PyDict_GetItemRef(builtins, name.as_ptr(), &raw mut found) };
        // SAFETY: an owned reference, or NULL.
        unsafe { Bound::from_owned_ptr_or_opt(py, found) }
    });
    if pyo3::PyErr::occurred(py) {
        drop(raised(py));
    }
    found
}
