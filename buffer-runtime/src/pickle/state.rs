//! The state that a Python subclass has added to an object: `__dict__`, `__slots__`, or what `__getstate__` returns.

use std::ffi::CStr;

use pyo3::PyTypeInfo;
use pyo3::exceptions::PyAttributeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::table::Table;
use crate::lookup::{Name, attribute, module};
use crate::pending::{owned, raised};

static GETSTATE: Name = Name::new(c"__getstate__");

/// The state of an object, in the form that `pickle` sets; `None` if there is none.
///
/// # Errors
///
/// What `__getstate__` raises.
pub(super) fn of<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let state = match GETSTATE.of_any(object)? {
        Some(getstate) => call(&getstate, None)?,
        None => return by_default(object),
    };
    let is_empty = state.is_none() || state.cast::<PyDict>().is_ok_and(PyDictMethods::is_empty);
    Ok((!is_empty).then_some(state))
}

/// Whether the objects of this class, which no other code has extended, have no state.
///
/// # Errors
///
/// `MemoryError`.
pub(super) fn is_none(class: &Bound<'_, PyAny>, table: &Table) -> PyResult<bool> {
    if table.has_dict() {
        return Ok(false);
    }
    // `object` has this method from Python 3.11 on.
    let base = PyAny::type_object(class.py());
    Ok(match (GETSTATE.of_any(class)?, GETSTATE.of_any(base.as_any())?) {
        (Some(own), Some(by_default)) => own.is(&by_default),
        (own, _) => own.is_none(),
    })
}

/// What `object.__getstate__` of Python 3.11 returns.
fn by_default<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = object.py();
    let dict = found(object, c"__dict__")?.filter(|dict| dict.cast::<PyDict>().is_ok_and(|dict| !dict.is_empty()));
    let copyreg = module(py, c"copyreg")?;
    let names = call(&attribute(&copyreg, c"_slotnames")?, Some(object.get_type().as_any()))?;
    let slots = PyDict::new(py);
    for name in names.try_iter()? {
        let name = name?;
        match object.getattr(name.cast::<PyString>()?) {
            Ok(value) => slots.set_item(name, value)?,
            Err(error) if error.is_instance_of::<PyAttributeError>(py) => {}
            Err(error) => return Err(error),
        }
    }
    if slots.is_empty() {
        return Ok(dict);
    }
    let dict = dict.unwrap_or_else(|| py.None().into_bound(py));
    Ok(Some(PyTuple::new(py, [dict, slots.into_any()])?.into_any()))
}

/// Sets the state of a new object, as `pickle` does.
///
/// # Errors
///
/// What `__setstate__`, or setting an attribute, raises.
pub(super) fn set(object: &Bound<'_, PyAny>, state: &Bound<'_, PyAny>) -> PyResult<()> {
    if let Some(setstate) = found(object, c"__setstate__")? {
        return call(&setstate, Some(state)).map(drop);
    }
    let (dict, slots) = match state.cast::<PyTuple>() {
        Ok(both) if both.len() == 2 => (both.get_item(0)?, Some(both.get_item(1)?)),
        _ => (state.clone(), None),
    };
    if !dict.is_none() {
        attribute(object, c"__dict__")?.cast::<PyDict>()?.update(dict.cast::<PyDict>()?.as_mapping())?;
    }
    let Some(slots) = slots.filter(|slots| !slots.is_none()) else { return Ok(()) };
    // Iterate over a copy: code that runs when an attribute is set may change the dict, and PyO3 would panic.
    // SAFETY: attached, with a dict that is alive.
    let items = unsafe { ffi::PyDict_Items(slots.cast::<PyDict>()?.as_ptr()) };
    // SAFETY: the result is an owned reference, or NULL.
    for item in unsafe { owned(object.py(), items) }?.try_iter()? {
        let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item?.extract()?;
        // SAFETY: attached, with objects that are alive.
        if unsafe { ffi::PyObject_SetAttr(object.as_ptr(), name.as_ptr(), value.as_ptr()) } != 0 {
            return Err(raised(object.py()));
        }
    }
    Ok(())
}

/// An attribute, if there is one of this name.
pub(super) fn found<'py>(object: &Bound<'py, PyAny>, name: &CStr) -> PyResult<Option<Bound<'py, PyAny>>> {
    match attribute(object, name) {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_instance_of::<PyAttributeError>(object.py()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Calls a function with one argument or none.
pub(super) fn call<'py>(
    function: &Bound<'py, PyAny>,
    argument: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let end = std::ptr::null_mut::<ffi::PyObject>();
    let argument = argument.map_or(end, Bound::as_ptr);
    // SAFETY: attached; all objects are alive, and a NULL ends the arguments.
    let returned = unsafe { ffi::PyObject_CallFunctionObjArgs(function.as_ptr(), argument, end) };
    // SAFETY: the result is an owned reference, or NULL.
    unsafe { owned(function.py(), returned) }
}
