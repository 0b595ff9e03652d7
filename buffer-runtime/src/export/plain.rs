//! Requests that run no user code, beyond the common case: first views of a new layout, and refusals.
//!
//! PyO3's trampoline, and an error that is made, carried and raised, would cost a refusal several times what CPython
//! itself needs for the exception. Nothing here needs them, because nothing here calls Python before the decision.

use std::ffi::c_int;
use std::ptr;

use pyo3::{PyErr, Python, ffi};

use super::class::ShapeSource;
use super::grant::hand_over;
use super::table::{ClassTable, Reached};
use crate::cell::{self, Denied, Grant, orphans};
use crate::contain::raising;
use crate::error::ViewError;
use crate::exception::raise_at_once;
use crate::layout::Evaluated;
use crate::request::{Flags, Unanswered};

/// Refuses a request that the layout does not answer, as [`grant_at_once`](super::grant::grant_at_once) has found and
/// left in the view. `false` if it may be granted, or if an exception is pending that the refusal would replace; then
/// nothing has changed.
///
/// # Safety
///
/// Attached. `view` points to a `Py_buffer` to fill, as `grant_at_once` has left it for that reason.
#[inline(always)]
pub(super) unsafe fn refuse(py: Python<'_>, view: *mut ffi::Py_buffer, flags: Flags) -> bool {
    // SAFETY: the caller vouches for the view, whose `internal` was written.
    let unanswered = Unanswered::of_view(unsafe { (*view).internal });
    let Some(refusal) = unanswered.refusal(flags) else { return false };
    if orphans::are_waiting() || PyErr::occurred(py) {
        return false;
    }
    // Set first, so that `obj` is NULL after every refusal.
    // SAFETY: the caller vouches for the view, whose old contents do not matter.
    unsafe { (*view).obj = ptr::null_mut() };
    raise_at_once(py, refusal.into());
    true
}

/// Grants or refuses a view, and returns what the slot returns. `None` if user code may have to run, or if an exception
/// is pending that the refusal would replace; then nothing has changed but `obj` of the view.
///
/// # Safety
///
/// Attached. `object` is an object of the table's class or of a subclass, and `view` points to a `Py_buffer` to fill.
pub(super) unsafe fn answer(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: Flags,
    table: &'static ClassTable,
) -> Option<c_int> {
    if orphans::are_waiting() {
        return None;
    }
    // Set first, so that `obj` is NULL after every refusal.
    // SAFETY: the caller vouches for the view, whose old contents do not matter.
    unsafe { (*view).obj = ptr::null_mut() };
    let answered = || {
        // SAFETY: as the caller vouches.
        match unsafe { decide(py, object, view, flags, table) } {
            Some(Ok(())) => {
                // SAFETY: attached, and the object is alive; the granted view owns this reference.
                unsafe { ffi::Py_INCREF(object) };
                Some(0)
            }
            Some(Err(error)) if !PyErr::occurred(py) => {
                raise_at_once(py, error);
                Some(-1)
            }
            Some(Err(_)) | None => None,
        }
    };
    // A panic here would be a mistake of this crate, and must not abort the process all the same.
    raising(py, Some(-1), || Ok(answered()))
}

/// Whether the view is granted, and if not, why. `None` if user code may have to run.
///
/// # Safety
///
/// As for [`answer`].
unsafe fn decide(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: Flags,
    table: &'static ClassTable,
) -> Option<Result<(), ViewError>> {
    // SAFETY: the caller vouches for the object and the view.
    let mut fill = |grant: Grant<'_>| unsafe { hand_over(object, view, grant, table.pin, None) };
    // SAFETY: the caller vouches for the object.
    let error = match unsafe { attempt(py, object, flags, table, &mut fill) }? {
        Ok(()) => return Some(Ok(())),
        Err(Denied::Refused(error)) => error,
        Err(Denied::Misfit { error, .. }) => ViewError::Layout(error),
        Err(_) => return None,
    };
    // A refusal for want of memory is a `MemoryError`.
    if error.is_out_of_memory() { None } else { Some(Err(error)) }
}

/// Grants a view of a cell without user code, and calls `with` on it while the object is borrowed. `false` if user code
/// may have to run, or if the view is refused; then nothing has changed.
///
/// # Safety
///
/// Attached. `object` is an object of the table's class or of a subclass.
#[cfg(feature = "dlpack")]
pub(crate) unsafe fn grant_plainly(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    flags: Flags,
    table: &'static ClassTable,
    with: &mut dyn FnMut(Grant<'_>),
) -> bool {
    // SAFETY: as the caller vouches.
    matches!(unsafe { attempt(py, object, flags, table, with) }, Some(Ok(())))
}

/// Attempts to grant a view of a cell once, with the declared numbers if they run no user code, and calls `with` on it
/// while the object is borrowed. `None` if the object cannot be borrowed.
///
/// # Safety
///
/// Attached. `object` is an object of the table's class or of a subclass.
unsafe fn attempt(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    flags: Flags,
    table: &'static ClassTable,
    with: &mut dyn FnMut(Grant<'_>),
) -> Option<Result<(), Denied>> {
    let mut result = Err(Denied::LayoutNeeded);
    let grant_of = |class: Reached<'_>| {
        let Some(block) = class.block() else { return };
        let mut attempt = |dims: Option<&dyn Evaluated>| {
            // SAFETY: the class is borrowed, and so is the cell in it; the caller vouches for an attached thread.
            result = unsafe { cell::grant(block, (table.descriptor)(), flags, || dims) }.map(&mut *with);
        };
        if table.source == ShapeSource::Code {
            attempt(None);
        } else {
            // Never an error: these numbers are only read.
            let _ = class.dims(&mut |dims| attempt(Some(dims)));
        }
    };
    // SAFETY: the caller vouches for the object.
    unsafe { table.reach_at_once(py, object, grant_of) }.ok()?;
    Some(result)
}
