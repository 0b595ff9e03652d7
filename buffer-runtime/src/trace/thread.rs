//! The name of the current thread, from Python's `threading`.

use std::cell::RefCell;

use pyo3::{Bound, PyAny, Python, ffi};

use super::place::{text, utf8};
use crate::lookup::attribute;
use crate::memory;

thread_local! {
    /// The name, once it is known. Looking it up for every view would run Python code each time.
    static NAME: RefCell<Option<Box<str>>> = const { RefCell::new(None) };
}

/// The name of this thread. `None` if `threading` was not imported, if it does not list this thread, or if there is no
/// memory. No exception is pending before the call; one may be afterwards.
pub(super) fn name(py: Python<'_>) -> Option<Box<str>> {
    let copy = |name: &Option<Box<str>>| name.as_deref().and_then(|name| memory::text(name).ok());
    if let Some(known) = NAME.with_borrow(copy) {
        return Some(known);
    }
    let name = text(&thread(py)?, c"name")?;
    let name = memory::text(utf8(&name)?).ok()?;
    NAME.with_borrow_mut(|known| *known = memory::text(&name).ok());
    Some(name)
}

/// The `threading.Thread` of this thread. This does not call `current_thread`: for a thread that Python did not start,
/// that function makes an object, which `threading.enumerate` lists from then on.
fn thread(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    // SAFETY: attached, as the token proves; the text is static.
    let name = unsafe { ffi::PyUnicode_FromString(c"threading".as_ptr()) };
    // SAFETY: the result is an owned reference, or NULL with an exception.
    let name = unsafe { Bound::from_owned_ptr_or_opt(py, name) }?;
    // Not `PyImport_GetModuleDict`, which aborts when the interpreter has lost its modules: then the last objects are dropped.
    // SAFETY: attached, with a string that is alive.
    let threading = unsafe { ffi::PyImport_GetModule(name.as_ptr()) };
    // SAFETY: as for the name.
    let threading = unsafe { Bound::from_owned_ptr_or_opt(py, threading) }?;
    let threads = attribute(&threading, c"_active").ok()?;
    let get_ident = attribute(&threading, c"get_ident").ok()?;
    // SAFETY: attached, with a callable and no arguments.
    let ident = unsafe { ffi::PyObject_CallObject(get_ident.as_ptr(), std::ptr::null_mut()) };
    // SAFETY: as for `threading`.
    let ident = unsafe { Bound::from_owned_ptr_or_opt(py, ident) }?;
    // SAFETY: attached, with objects that are alive.
    let thread = unsafe { ffi::PyObject_GetItem(threads.as_ptr(), ident.as_ptr()) };
    // SAFETY: as for `threading`.
    unsafe { Bound::from_owned_ptr_or_opt(py, thread) }
}
