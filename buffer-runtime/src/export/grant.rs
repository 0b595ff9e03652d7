//! Granting a view to Python: from the object to a filled `Py_buffer`.

use std::mem::offset_of;

use pyo3::exceptions::PyBufferError;
use pyo3::{PyResult, Python, ffi};

use super::class::{Cell, Exporter, ShapeSource, Source};

use super::evaluate::{Ready, evaluating};
use super::reach::Class;
use super::table::{ClassTable, Reached};
use crate::cell::{self, Description, Grant, NotAtOnce};
use crate::exception::exception;
use crate::layout::Evaluated;
use crate::request::Flags;

const _: () = {
    assert!(Flags::WRITABLE == ffi::PyBUF_WRITABLE);
    assert!(Flags::FORMAT == ffi::PyBUF_FORMAT);
    assert!(Flags::ND == ffi::PyBUF_ND);
    assert!(Flags::STRIDES == ffi::PyBUF_STRIDES);
    assert!(Flags::C_CONTIGUOUS == ffi::PyBUF_C_CONTIGUOUS);
    assert!(Flags::F_CONTIGUOUS == ffi::PyBUF_F_CONTIGUOUS);
    assert!(Flags::ANY_CONTIGUOUS == ffi::PyBUF_ANY_CONTIGUOUS);
    assert!(Flags::INDIRECT == ffi::PyBUF_INDIRECT);
    assert!(Flags::READ == ffi::PyBUF_READ);
    assert!(Flags::WRITE == ffi::PyBUF_WRITE);
    // The type of the constant depends on the version of Python.
    #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast)]
    let most = ffi::PyBUF_MAX_NDIM as usize;
    assert!(crate::limits::MAX_NDIM == most);
    assert!(size_of::<isize>() == size_of::<ffi::Py_ssize_t>());
};

/// Grants a view if that runs no user code and raises nothing. Otherwise nothing has changed but the view: if the
/// layout does not answer the request, the view says what layout that is (see
/// [`Unanswered::of_view`](crate::request::Unanswered::of_view)). `AGAIN` only distinguishes the two callers, so that
/// the compiler inlines all of this into each.
///
/// # Safety
///
/// Attached. `object` is an object of `T::Class` or of a subclass, and `view` points to a `Py_buffer` to fill, or is
/// NULL.
///
/// # Errors
///
/// See [`NotAtOnce`]; `Untried` if the view is NULL.
#[inline(always)]
pub(super) unsafe fn grant_at_once<T: Exporter<Cell: Cell>, const AGAIN: bool>(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: Flags,
) -> Result<(), NotAtOnce> {
    let grant_of = |class: &T::Class| {
        // One comparison for a cell that was never constructed and for a NULL view: the slow path refuses both.
        let Some(block) = T::cell(class).cell().own_address_unless_null(view) else { return Err(NotAtOnce::Untried) };
        let dims = match T::SOURCE {
            ShapeSource::Code => None,
            ShapeSource::Storage | ShapeSource::Fields => Some(|| T::dims(class).ok()),
        };
        // SAFETY: the class is borrowed, and so is the cell in it; the caller vouches for an attached thread.
        match unsafe { cell::grant_at_once(block, T::descriptor(), flags, dims) } {
            Ok(grant) => {
                // SAFETY: the caller vouches for the object and for the view, which is not NULL.
                unsafe { hand_over(object, view, grant, T::PIN, Some(<T::Cell as Source>::ROWS)) };
                Ok(())
            }
            Err(why) => {
                if let NotAtOnce::Unanswered(unanswered) = why {
                    // For `stable::grant_at_once` and `plain::refuse`.
                    // SAFETY: the caller vouches for the view, whose old contents do not matter.
                    unsafe { (*view).buf = block.as_ptr().cast() };
                    // SAFETY: as above.
                    unsafe { (*view).internal = unanswered.to_internal() };
                }
                Err(why)
            }
        }
    };
    // SAFETY: the caller vouches for the object.
    let granted = unsafe { T::Class::reach(py, object, grant_of) }.unwrap_or(Err(NotAtOnce::Untried));
    if granted.is_ok() {
        // SAFETY: attached, and the object is alive; the view owns this reference.
        unsafe { ffi::Py_INCREF(object) };
    }
    granted
}

/// Grants a view that need not write, in the cases in which [`grant_at_once`] would, and calls `with` on it while the
/// object is borrowed. If `with` is not called, nothing has changed.
///
/// # Safety
///
/// Attached. `object` is an object of `T::Class` or of a subclass.
#[cfg(feature = "dlpack")]
pub(super) unsafe fn with_grant_at_once<T: Exporter<Cell: Cell>>(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    with: &mut dyn FnMut(Grant<'_>),
) {
    let grant_of = |class: &T::Class| {
        let Some(block) = T::cell(class).cell().own_address() else { return };
        let dims = match T::SOURCE {
            ShapeSource::Code => None,
            ShapeSource::Storage | ShapeSource::Fields => Some(|| T::dims(class).ok()),
        };
        // SAFETY: the class is borrowed, and so is the cell in it; the caller vouches for an attached thread.
        if let Ok(grant) = unsafe { cell::grant_at_once(block, T::descriptor(), Flags(ffi::PyBUF_FULL_RO), dims) } {
            with(grant);
        }
    };
    // SAFETY: the caller vouches for the object. If its value cannot be borrowed, `with` is not called.
    let _ = unsafe { T::Class::reach(py, object, grant_of) };
}

/// [`with_grant_at_once`] of a class.
#[cfg(feature = "dlpack")]
pub(crate) type GrantAtOnce = unsafe fn(Python<'_>, *mut ffi::PyObject, &mut dyn FnMut(Grant<'_>));

/// Grants a view of the cell of an object, and calls `with` on it while the object is borrowed.
///
/// # Safety
///
/// `object` is an object of the table's class or of a subclass.
///
/// # Errors
///
/// The exception that refuses the view.
pub(super) unsafe fn with_grant(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    flags: Flags,
    table: &'static ClassTable,
    with: &mut dyn FnMut(Grant<'_>),
) -> PyResult<()> {
    // SAFETY: the caller vouches for the object.
    unsafe { table.reach(py, object, |class| grant_reached(py, class, flags, None, with)) }
}

/// The same for the value of an object, with the numbers if they are ready.
///
/// # Errors
///
/// The exception that refuses the view.
pub(super) fn grant_reached(
    py: Python<'_>,
    class: Reached<'_>,
    flags: Flags,
    ready: Option<Ready<'_>>,
    with: &mut dyn FnMut(Grant<'_>),
) -> PyResult<()> {
    let mut attempt = |dims: Option<&dyn Evaluated>| {
        let Some(block) = class.block() else {
            // Unreachable: a class with a part of a part does not compile.
            return Err(exception::<PyBufferError>(
                py,
                "cannot grant a view: it would be a part of a part; hold the object whose memory it is",
            )
            .into());
        };
        // SAFETY: the class is borrowed, and so is the cell in it; attached, as the token proves.
        with(unsafe { cell::grant(block, (class.table.descriptor)(), flags, || dims) }?);
        Ok(())
    };
    evaluating(py, class, flags, ready, &mut attempt)
}

/// `bf_getbuffer` of all classes that export a cell, for requests that [`grant_at_once`] does not grant. The caller
/// adds the view's reference to the object.
///
/// # Safety
///
/// As for `with_grant`, and `view` points to a `Py_buffer` to fill.
///
/// # Errors
///
/// The exception that refuses the view.
pub(super) unsafe fn grant_view(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: Flags,
    table: &'static ClassTable,
) -> PyResult<()> {
    // SAFETY: the caller vouches for the object and the view.
    let mut fill = |grant: Grant<'_>| unsafe { hand_over(object, view, grant, table.pin, None) };
    // SAFETY: the caller vouches for the object.
    unsafe { with_grant(py, object, flags, table, &mut fill) }
}

/// Fills a `Py_buffer` with a granted view, except for the reference to the object ([`complete`]). `indirect` says
/// whether the layout is indirect, if that is known at compile time.
///
/// # Safety
///
/// Attached. `object` is alive, the grant is of its cell, and `view` may be written.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) unsafe fn hand_over(
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    grant: Grant<'_>,
    pin: bool,
    indirect: Option<bool>,
) {
    if pin {
        grant.pin();
    }
    let indirect = match indirect {
        Some(indirect) => indirect,
        None => grant.layout().facts().indirect,
    };
    // SAFETY: the caller vouches for the view.
    let description = unsafe { description_of(view) };
    // SAFETY: the caller vouches for the view.
    let buf = unsafe { grant.hand_out(description, indirect) };
    // SAFETY: the caller vouches for the object and the view.
    unsafe { complete(object, view, buf) };
}

const _: () = {
    const START: usize = offset_of!(ffi::Py_buffer, len);
    assert!(offset_of!(Description, len) + START == offset_of!(ffi::Py_buffer, len));
    assert!(offset_of!(Description, itemsize) + START == offset_of!(ffi::Py_buffer, itemsize));
    assert!(offset_of!(Description, readonly) + START == offset_of!(ffi::Py_buffer, readonly));
    assert!(offset_of!(Description, ndim) + START == offset_of!(ffi::Py_buffer, ndim));
    assert!(offset_of!(Description, format) + START == offset_of!(ffi::Py_buffer, format));
    assert!(offset_of!(Description, shape) + START == offset_of!(ffi::Py_buffer, shape));
    assert!(offset_of!(Description, strides) + START == offset_of!(ffi::Py_buffer, strides));
    assert!(offset_of!(Description, suboffsets) + START == offset_of!(ffi::Py_buffer, suboffsets));
    assert!(offset_of!(Description, internal) + START == offset_of!(ffi::Py_buffer, internal));
    assert!(size_of::<Description>() + START == size_of::<ffi::Py_buffer>());
};

/// The fields of a view that are a description of it.
///
/// This and [`complete`] are two functions around the code that fills the description, and none of them is a closure:
/// where a module has several classes, the compiler would make one function of the closure for all of them.
///
/// # Safety
///
/// `view` may be written.
#[inline(always)]
pub(super) unsafe fn description_of(view: *mut ffi::Py_buffer) -> *mut Description {
    // SAFETY: the caller vouches for the view.
    let rest = unsafe { &raw mut (*view).len };
    // From `len` on, a `Py_buffer` has the fields of a description, as is asserted above.
    rest.cast()
}

/// Fills the fields of a view that are not in its description: the object, and the address of the first item. The
/// caller adds the view's reference to the object when the object is no longer borrowed: until then, PyO3's borrow has
/// a shared reference to the memory of the count.
///
/// # Safety
///
/// `view` may be written, and its description is that of a view that is counted, which it takes over.
#[inline(always)]
pub(super) unsafe fn complete(object: *mut ffi::PyObject, view: *mut ffi::Py_buffer, buf: *mut u8) {
    // SAFETY: the caller vouches for the view.
    unsafe { (*view).buf = buf.cast() };
    // SAFETY: as above.
    unsafe { (*view).obj = object };
}
