//! Views of a part: memory of another object (the whole), under that object's lock, in the part's own layout.
//!
//! A view of a part holds a view of the whole, which is granted and counted like any other. The part's declaration is
//! resolved against all the memory of the whole, even if views of the whole show less of it.

use std::ffi::CStr;

use pyo3::exceptions::PyBufferError;
use pyo3::{PyResult, Python, ffi};

use super::class::ShapeSource;
use super::evaluate::{Failed, Level, Ready, evaluating};
use super::grant::{complete, description_of, with_grant};
use super::release::releasebuffer;
use super::table::{ClassTable, Reached};
use crate::cell::{Again, Denied, Grant, PartGrant, Ticket};
use crate::error::ViewError;
use crate::exception::exception;
use crate::layout::{Declaration, Descriptor, Evaluated};
use crate::request::{Flags, Refusal};

/// The outcome of a request that was tried at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtOnce {
    /// The view is granted. The caller adds the view's reference to the object.
    Granted,
    /// An exception is set.
    Refused,
    /// Nothing has changed but the view.
    Left,
}

/// Grants a view of a part if its last view had the same layout, and if that runs no user code.
///
/// The slot of the whole grants the view of the whole. If that slot refuses, this view is refused too.
///
/// # Safety
///
/// Attached. `object` is the part, which is borrowed and keeps `whole` alive, and `whole` is an object of the class
/// that the table belongs to. `view` points to a `Py_buffer` to fill.
#[inline(always)]
pub(crate) unsafe fn grant_part_at_once<D: Evaluated>(
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: Flags,
    (descriptor, dims): (&'static Descriptor, &D),
    (whole, of): (*mut ffi::PyObject, &'static ClassTable),
) -> AtOnce {
    // The slot of such a whole would pin the memory even if this view is refused.
    if of.pin {
        return AtOnce::Left;
    }
    // SAFETY: the caller vouches for an attached thread.
    match unsafe { Again::of(object.addr(), descriptor, dims, flags) } {
        // SAFETY: as the caller vouches.
        Some(again) => unsafe { show_again(again, object, view, flags, (whole, of)) },
        None => AtOnce::Left,
    }
}

/// The part of [`grant_part_at_once`] that is the same for all classes.
///
/// # Safety
///
/// As for that function.
#[inline(never)]
unsafe fn show_again(
    again: Again,
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: Flags,
    (whole, of): (*mut ffi::PyObject, &'static ClassTable),
) -> AtOnce {
    // PyO3's borrow has a shared reference to the count of the object, which the view of the whole changes.
    if whole == object {
        again.keep();
        return AtOnce::Left;
    }
    // SAFETY: attached, with an object of the table's class and room for a view.
    let get = || unsafe { (of.getbuffer)(whole, view, flags_of_whole(flags).0) };
    let status = if of.source == ShapeSource::Code {
        // The expressions of the whole may view the part.
        // SAFETY: the caller vouches for an attached thread.
        let Some(_level) = Level::enter_first(unsafe { Python::assume_attached() }) else {
            again.keep();
            return AtOnce::Left;
        };
        get()
    } else {
        get()
    };
    if status != 0 {
        again.keep();
        return AtOnce::Refused;
    }
    // SAFETY: the view was granted.
    let internal = unsafe { (*view).internal };
    // SAFETY: the view was granted.
    let description = unsafe { description_of(view) };
    let buf = if let Some(ticket) = Ticket::from_own(internal.cast()) {
        // SAFETY: the ticket is that of a view that is counted; the caller vouches for the view.
        unsafe { again.show(ticket, description) }
    } else {
        again.keep();
        None
    };
    let Some(buf) = buf else {
        // SAFETY: attached; the view of the whole was granted, and its object is alive.
        unsafe { end_view_of_whole(whole, view) };
        return AtOnce::Left;
    };
    // SAFETY: the caller vouches for the object and the view, which shows the part now.
    unsafe { complete(object, view, buf) };
    // SAFETY: attached; the view owned this reference, and the part has another.
    unsafe { ffi::Py_DECREF(whole) };
    AtOnce::Granted
}

/// Ends a view of a whole that does not become one of a part.
///
/// # Safety
///
/// Attached. The view was granted by the slot of this object, which has another reference.
#[cold]
#[inline(never)]
unsafe fn end_view_of_whole(whole: *mut ffi::PyObject, view: *mut ffi::Py_buffer) {
    // SAFETY: as the caller vouches.
    unsafe { releasebuffer(whole, view) };
    // `obj` must be NULL if the request is refused now.
    // SAFETY: the caller vouches for the view.
    unsafe { (*view).obj = std::ptr::null_mut() };
    // SAFETY: as the caller vouches; the view owned this reference.
    unsafe { ffi::Py_DECREF(whole) };
}

/// The flags with which a request for a view of a part requests a view of the whole.
fn flags_of_whole(flags: Flags) -> Flags {
    Flags(ffi::PyBUF_FULL_RO | flags.0 & (Flags::WRITABLE | Flags::STABLE))
}

/// Grants a view of a part of another object, and calls `with` on it while both objects are borrowed.
///
/// # Safety
///
/// `object` is an object of the table's class or of a subclass.
///
/// # Errors
///
/// The exception that refuses the view of the part or of the whole.
pub(super) unsafe fn with_grant_of_part(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    flags: Flags,
    table: &'static ClassTable,
    with: &mut dyn FnMut(PartGrant<'_>, &'static ClassTable),
) -> PyResult<()> {
    if let Some(refusal) = flags.mistake() {
        return Err(ViewError::from(refusal).into());
    }
    if table.readonly && flags.writable() {
        return Err(ViewError::from(Refusal::ReadOnly).into());
    }
    let grant_of = |class: Reached<'_>| grant_reached_part(py, class, object.addr(), flags, None, with);
    // SAFETY: the caller vouches for the object.
    unsafe { table.reach(py, object, grant_of) }
}

/// The same for the value of the object at this address, with the numbers if they are ready.
///
/// # Errors
///
/// The exception that refuses the view of the part or of the whole.
pub(super) fn grant_reached_part(
    py: Python<'_>,
    class: Reached<'_>,
    object: usize,
    flags: Flags,
    ready: Option<Ready<'_>>,
    with: &mut dyn FnMut(PartGrant<'_>, &'static ClassTable),
) -> PyResult<()> {
    let of_whole = flags_of_whole(flags);
    let descriptor = (class.table.descriptor)();
    // Never `None`: the class shows a part.
    let Some((whole, of)) = class.whole() else {
        return Err(ViewError::from(Refusal::Mistaken).into());
    };
    // The numbers are evaluated before the view of the whole begins, so that the expressions may borrow the whole.
    let mut attempt = |dims: Option<&dyn Evaluated>| {
        let Some(dims) = dims else { return Err(Denied::LayoutNeeded.into()) };
        let declared = dims.declaration(descriptor);
        let mut granted = Err(Denied::Changed.into());
        let mut grant_part = |whole: Grant<'_>| {
            let whole = (whole, (of.descriptor)().format);
            granted = part_of(py, object, whole, descriptor, &declared, flags).map(|part| with(part, of));
        };
        // SAFETY: the whole is an object of the class whose table came with it.
        unsafe { with_grant(py, whole, of_whole, of, &mut grant_part) }?;
        granted
    };
    evaluating(py, class, flags, ready, &mut attempt)
}

/// `bf_getbuffer` of all classes that show a part of another object. The caller adds the granted view's reference to
/// the object.
///
/// # Safety
///
/// As for `with_grant_of_part`, and `view` points to a `Py_buffer` to fill.
///
/// # Errors
///
/// The exception that refuses the view of the part or of the whole.
pub(super) unsafe fn grant_view_of_part(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: Flags,
    table: &'static ClassTable,
) -> PyResult<()> {
    // SAFETY: the caller vouches for the object and the view.
    let mut fill = |part: PartGrant<'_>, of: &ClassTable| unsafe { fill_part(object, view, part, of) };
    // SAFETY: the caller vouches for the object.
    unsafe { with_grant_of_part(py, object, flags, table, &mut fill) }
}

/// Fills a `Py_buffer` with a granted view of a part, as `hand_over` does.
///
/// # Safety
///
/// Attached. `object` is alive, and `view` may be written. `of` is the table of the whole.
pub(super) unsafe fn fill_part(
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    part: PartGrant<'_>,
    of: &ClassTable,
) {
    if of.pin {
        part.pin();
    }
    // SAFETY: the caller vouches for the view.
    let description = unsafe { description_of(view) };
    // SAFETY: the caller vouches for the view.
    let buf = unsafe { part.hand_out(description) };
    // SAFETY: the caller vouches for the object and the view.
    unsafe { complete(object, view, buf) };
}

/// Turns a view of the whole into a view of the part.
fn part_of<'a>(
    py: Python<'_>,
    object: usize,
    (whole, of): (Grant<'a>, &'static CStr),
    descriptor: &'static Descriptor,
    declared: &Declaration<'_>,
    flags: Flags,
) -> Result<PartGrant<'a>, Failed> {
    if whole.header().kind.indirect {
        let text = "cannot grant a view: it would be part of rows that are allocated one by one; slice a memoryview of all of \
                    them instead";
        return Err(exception::<PyBufferError>(py, text).into());
    }
    // SAFETY: a published layout has a format, which stays unchanged while the view is counted.
    let format = unsafe { CStr::from_ptr(whole.layout().description.format) };
    if declared.item.is_some_and(|item| ![c"B", item.format].contains(&format) && item.format != c"B") {
        let text = format_args!(
            "cannot grant a view: `format` is for the bytes of another object, but its items have the format \
             {format:?}; remove `format`, or store bytes there"
        );
        return Err(exception::<PyBufferError>(py, text).into());
    }
    Ok(PartGrant::new(object, (whole, of), descriptor, declared, flags)?)
}
