//! Views of a part: memory of another object (the whole), under that object's lock, in the part's own layout.
//!
//! A view of a part holds a view of the whole, which is granted and counted like any other. The part's declaration is
//! resolved against all the memory of the whole, even if views of the whole show less of it.

use std::ffi::CStr;

use pyo3::exceptions::PyBufferError;
use pyo3::{PyResult, Python, ffi};

use super::evaluate::{Failed, evaluating};
use super::grant::{fill, with_grant};
use super::table::{ClassTable, Reached};
use crate::cell::{Denied, Grant, PartGrant};
use crate::error::ViewError;
use crate::exception::exception;
use crate::layout::{Declaration, Descriptor, Evaluated, Item};
use crate::request::{Flags, Refusal};

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
    if flags.is_mistaken() {
        return Err(ViewError::from(Refusal::Mistaken).into());
    }
    if table.readonly && flags.writable() {
        return Err(ViewError::from(Refusal::ReadOnly).into());
    }
    let of_whole = Flags(ffi::PyBUF_FULL_RO | if flags.writable() { ffi::PyBUF_WRITABLE } else { 0 });
    let descriptor = (table.descriptor)();
    let grant_of = |class: Reached<'_>| {
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
                granted = part_of(py, whole, descriptor, declared, flags).map(|part| with(part, of));
            };
            // SAFETY: the whole is an object of the class whose table came with it.
            unsafe { with_grant(py, whole, of_whole, of, &mut grant_part) }?;
            granted
        };
        evaluating(py, class, flags, &mut attempt)
    };
    // SAFETY: the caller vouches for the object.
    unsafe { table.reach(py, object, grant_of) }
}

/// `bf_getbuffer` of all classes that show a part of another object. The caller gives the granted view its reference to
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
    let mut fill = |part: PartGrant<'_>, of: &ClassTable| {
        if of.pin {
            part.pin();
        }
        // SAFETY: `fill` passes a pointer to room for a description.
        let hand_out = |description| unsafe { part.hand_out(description) };
        // SAFETY: the caller vouches for the object and the view.
        unsafe { fill(object, view, hand_out) };
    };
    // SAFETY: the caller vouches for the object.
    unsafe { with_grant_of_part(py, object, flags, table, &mut fill) }
}

/// Turns a view of the whole into a view of the part.
fn part_of<'a>(
    py: Python<'_>,
    whole: Grant<'a>,
    descriptor: &'static Descriptor,
    declared: Declaration<'_>,
    flags: Flags,
) -> Result<PartGrant<'a>, Failed> {
    if whole.header().kind.indirect {
        let text = "cannot grant a view: it would be part of rows that are allocated one by one; slice a memoryview of all of \
                    them instead";
        return Err(exception::<PyBufferError>(py, text).into());
    }
    let all = whole.layout().description;
    // SAFETY: a published layout has a format, which stays unchanged while the view is counted.
    let format = unsafe { CStr::from_ptr(all.format) };
    // The part shows items of the whole unless it declares its own.
    let item = match declared.item {
        None => Item { format, itemsize: all.itemsize.cast_unsigned() },
        Some(item) if [c"B", item.format].contains(&format) || item.format == c"B" => item,
        Some(_) => {
            let text = format_args!(
                "cannot grant a view: `format` is for the bytes of another object, but its items have the format \
                 {format:?}; remove `format`, or store bytes there"
            );
            return Err(exception::<PyBufferError>(py, text).into());
        }
    };
    let declared = Declaration { item: Some(item), ..declared };
    // The format is in the layout of the whole, which is borrowed from the block and not from the view.
    Ok(PartGrant::new(whole, descriptor, &declared, flags)?)
}
