//! `holders()` of a part: lists for Python what holds the memory.

use std::ffi::CStr;
use std::fmt::Display;

use pyo3::ffi;
use pyo3::prelude::*;

use super::Part;
use crate::exception::string;
use crate::export::peek::holders;
use crate::pending::{owned, raised};
use crate::trace::Holder;

#[pymethods]
impl Part {
    /// The views, tensors and Rust guards of the memory that are alive: a list of dictionaries with the keys "access",
    /// "file", "line", "function", "thread" and "age" (seconds). What is not known is None; set `BUFFER_TRACE=1` to
    /// have it recorded.
    fn holders<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        // SAFETY: the owner is of the table's class (`Whole`, invariant 1).
        let holders = unsafe { holders(py, self.whole.owner.as_ptr(), self.whole.table) }?;
        // SAFETY: attached, as the token proves.
        let list = unsafe { ffi::PyList_New(0) };
        // SAFETY: the result is an owned reference, or NULL.
        let list = unsafe { owned(py, list) }?;
        for holder in &holders {
            let entry = dictionary(py, holder)?;
            // SAFETY: attached, with a list and an object that are alive.
            let status = unsafe { ffi::PyList_Append(list.as_ptr(), entry.as_ptr()) };
            if status != 0 {
                return Err(raised(py));
            }
        }
        Ok(list)
    }
}

fn dictionary<'py>(py: Python<'py>, holder: &Holder) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: attached, as the token proves.
    let dict = unsafe { ffi::PyDict_New() };
    // SAFETY: the result is an owned reference, or NULL.
    let dict = unsafe { owned(py, dict) }?;
    set(&dict, c"access", text(py, Some(&holder.access)))?;
    set(&dict, c"file", text(py, holder.file.as_ref()))?;
    set(&dict, c"line", number(py, holder.line))?;
    set(&dict, c"function", text(py, holder.function.as_ref()))?;
    set(&dict, c"thread", text(py, holder.thread.as_ref()))?;
    let age = holder.age.map_or(Ok(none(py)), |age| {
        // SAFETY: attached, as the token proves.
        let age = unsafe { ffi::PyFloat_FromDouble(age.as_secs_f64()) };
        // SAFETY: the result is an owned reference, or NULL.
        unsafe { owned(py, age) }
    });
    set(&dict, c"age", age)?;
    Ok(dict)
}

fn set<'py>(dict: &Bound<'py, PyAny>, key: &CStr, value: PyResult<Bound<'py, PyAny>>) -> PyResult<()> {
    let value = value?;
    // SAFETY: attached, with a dictionary, a text and an object that are alive.
    let status = unsafe { ffi::PyDict_SetItemString(dict.as_ptr(), key.as_ptr(), value.as_ptr()) };
    if status == 0 { Ok(()) } else { Err(raised(dict.py())) }
}

fn text<'py>(py: Python<'py>, text: Option<&impl Display>) -> PyResult<Bound<'py, PyAny>> {
    text.map_or(Ok(none(py)), |text| string(py, text).ok_or_else(|| raised(py)))
}

fn number(py: Python<'_>, number: Option<u32>) -> PyResult<Bound<'_, PyAny>> {
    number.map_or(Ok(none(py)), |number| {
        // SAFETY: attached, as the token proves.
        let number = unsafe { ffi::PyLong_FromUnsignedLong(number.into()) };
        // SAFETY: the result is an owned reference, or NULL.
        unsafe { owned(py, number) }
    })
}

fn none(py: Python<'_>) -> Bound<'_, PyAny> {
    py.None().into_bound(py)
}
