//! The end of a view: `bf_releasebuffer`, the blocks that it leaves without an owner, and the queue of orphans.
//!
//! A release trusts nothing but the ticket in `internal`, and neither needs nor borrows the object. It runs no user code unless
//! the view is the last to know its block; then the storage is dropped, through PyO3's trampoline, so that user code finds PyO3
//! attached.

use std::ptr::{self, NonNull};

use pyo3::impl_::trampoline::{MethodDef, releasebufferproc};
use pyo3::{PyResult, Python, ffi};

#[cfg(not(atomic_lock))]
use crate::cell::orphans;
use crate::cell::{Header, PartTicket, PartView, Ticket};
use crate::contain::{report, with_none_pending};

/// `bf_releasebuffer`, for all classes: it trusts nothing but the ticket in `internal`.
///
/// # Safety
///
/// As CPython calls it: attached. The view may be another exporter's.
pub(crate) unsafe extern "C" fn releasebuffer(slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer) {
    // SAFETY: CPython has read the view to get here.
    let internal = unsafe { (*view).internal };
    let Some(ticket) = Ticket::from_internal(internal.cast()) else {
        // SAFETY: as for this function.
        return unsafe { releasebuffer_part(slf, view) };
    };
    // SAFETY: CPython calls slots attached; a ticket says that the view is counted, and CPython releases it once.
    let released = unsafe { ticket.release() };
    // CPython clears `obj` only after this call. What runs on the cold paths may release the same view again, which must
    // find it released.
    if released.is_last() {
        // SAFETY: as for this function, and the view's ticket is the last of its block.
        unsafe { free_cold(slf, view) };
    } else if !released.views {
        // SAFETY: as for this function.
        unsafe { drain_if_orphans_wait(slf, view) };
    }
}

/// What [`releasebuffer`] does with views that are not of whole cells: those of parts become what they hold of the cell, and
/// others are left alone.
///
/// # Safety
///
/// As for [`releasebuffer`].
#[cold]
#[inline(never)]
unsafe extern "C" fn releasebuffer_part(slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer) {
    // SAFETY: CPython has read the view to get here.
    let internal = unsafe { (*view).internal };
    if let Some(part) = PartTicket::from_internal(internal.cast()) {
        // SAFETY: such a ticket is left to one view, which is being released.
        let whole = unsafe { PartView::take(part) };
        // SAFETY: CPython is about to write the view too. Another release of it finds no part.
        unsafe { (*view).internal = whole.to_internal().cast() };
        // SAFETY: as for this function.
        unsafe { releasebuffer(slf, view) };
        // SAFETY: as above. Who releases the view once more finds nothing of ours in it.
        unsafe { (*view).internal = ptr::null_mut() };
    }
}

/// Drops what a view leaves behind when it was the last of an owner that is gone.
///
/// # Safety
///
/// Attached, and the ticket of `view` is the last of its block.
#[cold]
#[inline(never)]
unsafe extern "C" fn free_cold(slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer) {
    // SAFETY: CPython is about to write it too, and has taken what was there.
    unsafe { (*view).obj = ptr::null_mut() };
    // After the interpreter there is nothing to drop with, and the block is leaked. While it ends there is: it no longer
    // calls itself initialised, but the thread that ends it still has its state.
    // SAFETY: may be called at any time.
    let runs = unsafe { ffi::Py_IsInitialized() } != 0;
    // SAFETY: may be called at any time.
    if runs || !unsafe { ffi::PyGILState_GetThisThreadState() }.is_null() {
        // SAFETY: the caller vouches for it.
        let py = unsafe { Python::assume_attached() };
        // SAFETY: as the caller vouches.
        with_none_pending(py, || unsafe { releasebufferproc::<ColdFree>(slf, view) }, |()| false);
    }
}

/// # Safety
///
/// Attached.
#[cfg(not(atomic_lock))]
#[inline(always)]
unsafe fn drain_if_orphans_wait(slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer) {
    if orphans::are_waiting() {
        // SAFETY: as the caller vouches.
        unsafe { drain_cold(slf, view) };
    }
}

/// The free-threaded lock leaves no orphans.
#[cfg(atomic_lock)]
unsafe fn drain_if_orphans_wait(_slf: *mut ffi::PyObject, _view: *mut ffi::Py_buffer) {}

/// # Safety
///
/// Attached.
#[cfg(not(atomic_lock))]
#[cold]
#[inline(never)]
unsafe extern "C" fn drain_cold(slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer) {
    // SAFETY: CPython is about to write it too, and has taken what was there.
    unsafe { (*view).obj = ptr::null_mut() };
    // SAFETY: the caller vouches for it.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: as the caller vouches.
    with_none_pending(py, || unsafe { releasebufferproc::<ColdDrain>(slf, view) }, |()| false);
}

/// `bf_releasebuffer` of the last view of a block whose owner is gone.
struct ColdFree;

impl MethodDef<releasebufferproc::Func> for ColdFree {
    const METH: releasebufferproc::Func = free;
}

/// `bf_releasebuffer` while orphans wait.
#[cfg(not(atomic_lock))]
struct ColdDrain;

#[cfg(not(atomic_lock))]
impl MethodDef<releasebufferproc::Func> for ColdDrain {
    const METH: releasebufferproc::Func = drain;
}

/// # Safety
///
/// Attached. `view` holds the ticket of a view that the lock has just counted as the last of an owner that is gone.
#[expect(clippy::unnecessary_wraps, reason = "the trampoline's signature")]
unsafe fn free(py: Python<'_>, _slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer) -> PyResult<()> {
    // SAFETY: the caller vouches for the view.
    let internal = unsafe { (*view).internal };
    if let Some(ticket) = Ticket::from_internal(internal.cast()) {
        // SAFETY: the caller vouches that this view was the last to know the block.
        unsafe { destroy(py, ticket.block) };
        drain_orphans(py);
    }
    Ok(())
}

#[cfg(not(atomic_lock))]
#[expect(clippy::unnecessary_wraps, reason = "the trampoline's signature")]
unsafe fn drain(py: Python<'_>, _slf: *mut ffi::PyObject, _view: *mut ffi::Py_buffer) -> PyResult<()> {
    drain_orphans(py);
    Ok(())
}

#[cfg(not(atomic_lock))]
pub(super) fn drain_orphans(py: Python<'_>) {
    if orphans::are_waiting() {
        // SAFETY: the queue hands over blocks that neither an owner nor a view knows any more.
        orphans::drain(|block| unsafe { destroy(py, block) });
    }
}

#[cfg(atomic_lock)]
pub(super) fn drain_orphans(_py: Python<'_>) {}

/// Frees a block, reporting what its storage's drop raises, since there is nobody to raise it to.
///
/// # Safety
///
/// As for [`Header::destroy`].
unsafe fn destroy(py: Python<'_>, block: NonNull<Header>) {
    // SAFETY: as the caller vouches.
    report(py, || unsafe { Header::destroy(block) });
}
