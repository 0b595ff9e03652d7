//! The end of a view: `bf_releasebuffer`, and freeing the blocks whose owner was dropped.
//!
//! A release trusts only the ticket in `internal`, and neither needs nor borrows the object. It runs user code only if
//! it frees a block: its own if the view was the last reference to it, and those that wait in the queue of orphans.
//! Then the storage is dropped, through PyO3's trampoline, so that user code finds PyO3 attached.

use std::ptr::{self, NonNull};

use pyo3::impl_::trampoline::{MethodDef, releasebufferproc};
use pyo3::{PyResult, Python, ffi};

use crate::cell::orphans;
use crate::cell::{Header, PartTicket, PartView, StableTicket, Ticket, Unmoved};
use crate::contain::{report, with_none_pending};
use crate::lock::{Released, ViewKind};
use crate::trace::TracedView;

/// `bf_releasebuffer` of all classes. Most views may write, and are released here.
///
/// This function, and those that it calls, are functions of their own, so that none saves registers for another.
///
/// # Safety
///
/// As CPython calls it: attached. Another exporter may have filled the view.
pub(crate) unsafe extern "C" fn releasebuffer(slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer) {
    // SAFETY: CPython has read the view to get here.
    let internal = unsafe { (*view).internal };
    match Ticket::of_access(internal.cast(), ViewKind::Writable) {
        // SAFETY: as for this function, and the ticket is that of the view.
        Some(ticket) => unsafe { end(slf, view, ticket) },
        // SAFETY: as for this function.
        None => unsafe { releasebuffer_readonly(slf, view) },
    }
}

/// `bf_releasebuffer` of classes that show a part of another object: [`releasebuffer`], but it looks first for what
/// their views are.
///
/// # Safety
///
/// As for [`releasebuffer`].
pub(super) unsafe extern "C" fn releasebuffer_of_part(slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer) {
    // SAFETY: CPython has read the view to get here.
    let internal = unsafe { (*view).internal };
    match PartTicket::from_internal(internal.cast()) {
        // SAFETY: as for this function, and the ticket is that of the view.
        Some(part) => unsafe { releasebuffer_part(slf, view, part) },
        // SAFETY: as for this function.
        None => unsafe { releasebuffer(slf, view) },
    }
}

/// `bf_releasebuffer` of [`Part`](crate::Part), whose views are those of a whole field or of a part of one.
///
/// # Safety
///
/// As for [`releasebuffer`].
pub(crate) unsafe extern "C" fn releasebuffer_of_any_part(slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer) {
    // SAFETY: CPython has read the view to get here.
    let internal = unsafe { (*view).internal };
    match Ticket::of_access(internal.cast(), ViewKind::Writable) {
        // SAFETY: as for this function, and the ticket is that of the view.
        Some(ticket) => unsafe { end(slf, view, ticket) },
        // SAFETY: as for this function.
        None => unsafe { releasebuffer_of_part(slf, view) },
    }
}

/// [`releasebuffer`] for views that may not write: read-only ones, and stable ones, whose read guard ends first.
///
/// # Safety
///
/// As for [`releasebuffer`].
#[inline(never)]
unsafe extern "C" fn releasebuffer_readonly(slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer) {
    // SAFETY: CPython has read the view to get here.
    let internal = unsafe { (*view).internal };
    if let Some(ticket) = Ticket::of_access(internal.cast(), ViewKind::ReadOnly) {
        // SAFETY: as for this function, and the ticket is that of the view.
        unsafe { end(slf, view, ticket) };
    } else if let Some(stable) = StableTicket::from_internal(internal.cast()) {
        // SAFETY: CPython calls slots attached; a ticket proves that the view is counted, and CPython releases it once.
        let ordinary = unsafe { stable.into_ordinary() };
        // SAFETY: as above, and the view has become this one.
        unsafe { end(slf, view, ordinary) };
    } else {
        // SAFETY: as for this function.
        unsafe { releasebuffer_other(slf, view) };
    }
}

/// [`releasebuffer`] for views of parts and traced views. Views of other exporters are not touched.
///
/// # Safety
///
/// As for [`releasebuffer`].
#[cold]
#[inline(never)]
unsafe extern "C" fn releasebuffer_other(slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer) {
    // SAFETY: CPython has read the view to get here.
    let internal = unsafe { (*view).internal };
    if let Some(part) = PartTicket::from_internal(internal.cast()) {
        // SAFETY: as for this function, and the ticket is that of the view.
        unsafe { releasebuffer_part(slf, view, part) }
    } else if let Some(traced) = TracedView::from_internal(internal.cast()) {
        // SAFETY: as above.
        unsafe { releasebuffer_traced(slf, view, traced) }
    }
}

/// [`releasebuffer`] for views of parts. Each becomes the view of the cell that it holds, and is released as such.
///
/// # Safety
///
/// As for [`releasebuffer`], and the ticket is that of the view.
#[inline(never)]
unsafe extern "C" fn releasebuffer_part(slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer, part: PartTicket) {
    // SAFETY: one view owns such a ticket, and that view is being released.
    let (whole, before) = unsafe { PartView::take(part) };
    match before {
        // SAFETY: as for this function; the view of the part held this view of the whole.
        None => unsafe { end(slf, view, whole) },
        // SAFETY: as above.
        Some(before) => unsafe { end_and_free(slf, view, whole, before) },
    }
}

/// The end of [`releasebuffer_part`] if another view of a part was kept, which is freed. A function of its own, so that
/// its caller saves no registers.
///
/// # Safety
///
/// As for [`end`].
#[cold]
#[inline(never)]
unsafe fn end_and_free(slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer, whole: Ticket, before: Unmoved) {
    drop(before);
    // SAFETY: as the caller vouches.
    unsafe { end(slf, view, whole) };
}

/// Ends a view of a cell, whichever kind it was.
///
/// # Safety
///
/// Attached. `view` is being released, and the ticket is that of the view or of the one that it held: it is counted,
/// and is not released again.
#[inline(always)]
unsafe fn end(slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer, ticket: Ticket) {
    // SAFETY: as the caller vouches.
    let released = unsafe { ticket.release() };
    // CPython clears `obj` only after the slot. User code on the cold paths may release the same view again, so those
    // paths first mark it as released.
    match released {
        Released { views: true, .. } => {}
        // SAFETY: as the caller vouches.
        Released { views: false, owner: true } => unsafe { drain_if_orphans_wait(slf, view) },
        // SAFETY: as the caller vouches, and the ticket is the last of its block.
        Released { views: false, owner: false } => unsafe { free_cold(slf, view, ticket.block) },
    }
}

/// [`releasebuffer`] for traced views. Each becomes the view that it would be without its box, and is released as such.
///
/// # Safety
///
/// As for [`releasebuffer`], and the box is that of the view.
#[cold]
#[inline(never)]
unsafe extern "C" fn releasebuffer_traced(slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer, traced: TracedView) {
    // SAFETY: one view owns such a box, and that view is being released.
    let inner = unsafe { traced.unwrap() };
    // SAFETY: the view may be written: CPython writes it next.
    unsafe { (*view).internal = inner.cast() };
    // SAFETY: as for this function.
    unsafe { releasebuffer(slf, view) };
}

/// Frees the block of a view that was the last reference to it.
///
/// # Safety
///
/// Attached, and `view` was the last of the block, whose owner was dropped.
#[cold]
#[inline(never)]
unsafe extern "C" fn free_cold(slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer, block: NonNull<Header>) {
    // The trampoline passes the view on, and this in it.
    // SAFETY: the view may be written: CPython writes it next.
    unsafe { (*view).internal = block.as_ptr().cast() };
    // SAFETY: the view may be written: CPython writes `obj` next, and has already read the reference from it.
    unsafe { (*view).obj = ptr::null_mut() };
    // After the interpreter's end nothing can be dropped, and the block is leaked. During finalization it can: the
    // interpreter no longer counts as initialised, but the finalizing thread still has its thread state.
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

/// With the free-threaded lock, only leases leave orphans. Other operations drain the queue: this would cost every
/// view.
#[cfg(atomic_lock)]
unsafe fn drain_if_orphans_wait(_slf: *mut ffi::PyObject, _view: *mut ffi::Py_buffer) {}

/// # Safety
///
/// Attached.
#[cfg(not(atomic_lock))]
#[cold]
#[inline(never)]
unsafe extern "C" fn drain_cold(slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer) {
    // SAFETY: the view may be written: CPython writes `obj` next, and has already read the reference from it.
    unsafe { (*view).obj = ptr::null_mut() };
    // SAFETY: the caller vouches for it.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: as the caller vouches.
    with_none_pending(py, || unsafe { releasebufferproc::<ColdDrain>(slf, view) }, |()| false);
}

/// `bf_releasebuffer` of the last view of a block whose owner was dropped.
struct ColdFree;

impl MethodDef<releasebufferproc::Func> for ColdFree {
    const METH: releasebufferproc::Func = free;
}

/// `bf_releasebuffer` while the queue has orphans.
#[cfg(not(atomic_lock))]
struct ColdDrain;

#[cfg(not(atomic_lock))]
impl MethodDef<releasebufferproc::Func> for ColdDrain {
    const METH: releasebufferproc::Func = drain;
}

/// # Safety
///
/// Attached. `view` contains the block of a view that the lock has just counted as the last, of a block whose owner was
/// dropped.
#[expect(clippy::unnecessary_wraps, reason = "the trampoline's signature")]
unsafe fn free(py: Python<'_>, _slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer) -> PyResult<()> {
    // SAFETY: the caller vouches for the view.
    let block = unsafe { (*view).internal };
    // SAFETY: the view contains a block, which is not NULL.
    let block = unsafe { NonNull::new_unchecked(block) };
    // SAFETY: the caller vouches that this view had the last reference to the block.
    unsafe { give_up(py, block.cast()) };
    orphans::free_waiting(py);
    Ok(())
}

#[cfg(not(atomic_lock))]
#[expect(clippy::unnecessary_wraps, reason = "the trampoline's signature")]
unsafe fn drain(py: Python<'_>, _slf: *mut ffi::PyObject, _view: *mut ffi::Py_buffer) -> PyResult<()> {
    orphans::free_waiting(py);
    Ok(())
}

/// Frees a block, unless leases are left. Reports what its storage's drop raises, because no caller could handle the
/// exception.
///
/// # Safety
///
/// As for [`Header::give_up`].
unsafe fn give_up(py: Python<'_>, block: NonNull<Header>) {
    // SAFETY: as the caller vouches.
    report(py, || unsafe { Header::give_up(block) });
}
