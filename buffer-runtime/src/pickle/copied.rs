//! `copy.copy` and `copy.deepcopy`: what pickling does, but with one copy of the memory and no pickle.

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::arrive::arrive;
use super::leave::{Deep, How, leave};
use super::lineage::{self, Lineage};
use super::methods::reduced;
use super::state;
use super::table::Table;
use crate::exception::exception;
use crate::lookup::{attribute, item};
use crate::pending::{owned, raised};

/// Copies the object: deeply with the `memo` of `copy.deepcopy`, shallowly without it.
///
/// # Safety
///
/// The object is of the table's class or of a subclass.
///
/// # Errors
///
/// `BufferError` if a view of a cell is refused, or what the copies of values raise.
pub(super) unsafe fn copy<'py>(
    object: &Bound<'py, PyAny>,
    table: &Table,
    memo: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let deep = memo.map(Deep::new).transpose()?;
    let class = object.get_type();
    let (copy, state) = match overridden(object, table)? {
        // The name of a global object: there is only one, so the copy is the object itself.
        Some(reduced) if reduced.is_instance_of::<PyString>() => return Ok(object.clone()),
        Some(reduced) => rebuilt(&reduced, deep.as_ref())?,
        None if lineage::of(class.as_any(), table)? == Lineage::Rust => return Err(lineage::added(object.py(), table)),
        None => {
            // SAFETY: the caller vouches for the object.
            let fields = unsafe { leave(object, table, How::Shown, deep.clone()) }?;
            // A field may lead back to the object. Then the object has been copied meanwhile.
            if let Some(copy) = deep.as_ref().map(|deep| copied_meanwhile(object, deep)).transpose()?.flatten() {
                return Ok(copy);
            }
            (arrive(class.as_any(), table, fields.cast()?, true)?, state::of(object)?)
        }
    };
    if let Some(deep) = &deep {
        remember(object, &copy, deep)?;
    }
    if let Some(state) = state {
        let state = match &deep {
            Some(deep) => deep.copy(&state)?,
            None => state,
        };
        state::set(&copy, &state)?;
    }
    Ok(copy)
}

/// What a subclass's own `__reduce_ex__` or `__reduce__` returns, if it has one.
fn overridden<'py>(object: &Bound<'py, PyAny>, table: &Table) -> PyResult<Option<Bound<'py, PyAny>>> {
    const PROTOCOL: i32 = 4;
    let py = object.py();
    if object.get_type().is(&*table.class(py)) {
        return Ok(None);
    }
    let reduce_ex = attribute(object.get_type().as_any(), c"__reduce_ex__")?;
    if reduce_ex.is(&attribute(&table.class(py), c"__reduce_ex__")?) {
        return reduced(object);
    }
    // SAFETY: attached; the object is alive, and the format takes an integer.
    let reduced =
        unsafe { ffi::PyObject_CallMethod(object.as_ptr(), c"__reduce_ex__".as_ptr(), c"i".as_ptr(), PROTOCOL) };
    // SAFETY: the result is an owned reference, or NULL.
    unsafe { owned(py, reduced) }.map(Some)
}

/// Calls the function in the result of a `__reduce__`. Returns the new object, and the state to set.
fn rebuilt<'py>(
    reduced: &Bound<'py, PyAny>,
    deep: Option<&Deep<'py>>,
) -> PyResult<(Bound<'py, PyAny>, Option<Bound<'py, PyAny>>)> {
    let py = reduced.py();
    let parts = reduced.cast::<PyTuple>().ok().filter(|parts| parts.len() >= 2);
    let Some(parts) = parts.filter(|parts| parts.iter().skip(3).all(|part| part.is_none())) else {
        let text = "cannot copy this object: its `__reduce__` returns more than a function, arguments and a state; define \
                    `__copy__` and `__deepcopy__` beside it";
        return Err(exception::<PyTypeError>(py, text));
    };
    let (function, mut arguments) = (parts.get_item(0)?, parts.get_item(1)?);
    if let Some(deep) = deep {
        arguments = deep.copy(&arguments)?;
    }
    // SAFETY: attached, with a function and arguments that are alive; CPython checks that the arguments are a tuple.
    let made = unsafe { ffi::PyObject_CallObject(function.as_ptr(), arguments.as_ptr()) };
    // SAFETY: the result is an owned reference, or NULL.
    let made = unsafe { owned(py, made) }?;
    Ok((made, parts.get_item(2).ok().filter(|state| !state.is_none())))
}

/// `id(object)`, which is the key in the memo of `copy.deepcopy`.
fn key<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: attached, as the object proves. `id` is the address.
    let key = unsafe { ffi::PyLong_FromVoidPtr(object.as_ptr().cast()) };
    // SAFETY: the result is an owned reference, or NULL.
    unsafe { owned(object.py(), key) }
}

/// The copy of the object in the memo, if there is one.
fn copied_meanwhile<'py>(object: &Bound<'py, PyAny>, deep: &Deep<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
    // `copy.deepcopy` makes a dict.
    let Ok(memo) = deep.memo.cast::<PyDict>() else { return Ok(None) };
    item(memo, &key(object)?)
}

/// Adds the copy to the memo of `copy.deepcopy`, before the state is copied: the state may refer to the object.
fn remember<'py>(object: &Bound<'py, PyAny>, copy: &Bound<'py, PyAny>, deep: &Deep<'py>) -> PyResult<()> {
    let (py, key) = (object.py(), key(object)?);
    // SAFETY: attached, with objects that are alive.
    if unsafe { ffi::PyObject_SetItem(deep.memo.as_ptr(), key.as_ptr(), copy.as_ptr()) } != 0 {
        return Err(raised(py));
    }
    Ok(())
}
