//! Stable views that are granted at once: beside no guard, in a layout that has not changed.
//!
//! The fast path of ordinary views does not grant stable ones, because each of its instructions counts. It refuses them
//! last, after it has decided everything else, and leaves its findings in the view. This module continues from there.
//! That needs the GIL: without one, other threads may have changed everything meanwhile, and stable views take the slow
//! path.

use pyo3::ffi;

use super::table::ClassTable;
use crate::request::Flags;

/// Grants a stable view, if nothing is in the way and nothing has to be computed. Otherwise nothing has changed.
///
/// # Safety
///
/// Attached. `object` is an object of the table's class or of a subclass, and `view` points to a `Py_buffer`, as
/// [`grant_at_once`](super::grant::grant_at_once) has left it because the layout does not answer the request.
#[cfg(not(atomic_lock))]
#[inline(always)]
pub(super) unsafe fn grant_at_once(
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: Flags,
    table: &'static ClassTable,
) -> bool {
    use std::ptr::NonNull;

    use super::grant::{complete, description_of};
    use crate::cell;
    // SAFETY: the caller vouches for the view.
    let block = unsafe { (*view).buf };
    // SAFETY: the caller vouches that the address of a block was written.
    let block = unsafe { NonNull::new_unchecked(block) };
    // SAFETY: the caller vouches for the view.
    let description = unsafe { description_of(view) };
    // SAFETY: `grant_at_once` has answered for this block, and this thread has stayed attached.
    let Some(buf) = (unsafe { cell::hand_out_at_once(block.cast(), flags, table.pin, description) }) else {
        return false;
    };
    // SAFETY: the caller vouches for the object and the view, whose description was written.
    unsafe { complete(object, view, buf) };
    // SAFETY: attached, and the object is alive; the view owns this reference.
    unsafe { ffi::Py_INCREF(object) };
    true
}

/// Without a GIL, the findings of the fast path may be out of date.
///
/// # Safety
///
/// As above.
#[cfg(atomic_lock)]
pub(super) unsafe fn grant_at_once(
    _object: *mut ffi::PyObject,
    _view: *mut ffi::Py_buffer,
    _flags: Flags,
    _table: &'static ClassTable,
) -> bool {
    false
}
