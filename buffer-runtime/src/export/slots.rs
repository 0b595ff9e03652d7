//! The two slots, and how they reach the class.
//!
//! PyO3 has no public way to add slots to a class whose `#[pymethods]` somebody else writes. Its `multiple-pymethods`
//! feature collects blocks of methods and slots in an inventory, and this module submits one more. It names these items
//! of PyO3 that are not public API, which is why PyO3 is pinned to its minor version:
//!
//! - `impl_::pyclass::{PyClassImpl::Inventory, PyClassImpl::items_iter, PyClassItems}` and `inventory::submit!`, here;
//! - `impl_::pyclass::NoopThreadChecker`, `impl_::pycell::PyClassObjectBaseLayout` and `pyclass::boolean_struct`, in
//!   `class`;
//! - `impl_::trampoline::{getbufferproc, releasebufferproc, MethodDef}`, in `cold`;
//! - `impl_::trampoline::cfunction_with_keywords` and `impl_::pymethods::{PyMethodDef, PyMethodDefType}`, in `array`;
//! - the names `__pymethod___getbuffer____`, `__pymethod___releasebuffer____` and `__pymethod___array____`, in the derive.
//!
//! Plain slots cost a third of what PyO3's trampolines do. They run no user code and cannot panic; what might goes to
//! `cold`.

use std::ffi::{c_int, c_void};
use std::hint;
use std::marker::PhantomData;

use pyo3::exceptions::PyRuntimeError;
use pyo3::impl_::trampoline;
use pyo3::{Py, PyClass, PyResult, Python, ffi};

use super::class::{Cell, Class, Exported, Exporter, ShapeSource, Source, Unreached};
#[cfg(not(atomic_lock))]
use super::cold::ColdDrain;
use super::cold::{ColdFree, ColdGet};
use super::grant::{Tried, grant_fast, try_grant};
use super::part::getbuffer_part;
#[cfg(not(atomic_lock))]
use crate::cell::orphans;
use crate::cell::{ExportCell, PartTicket, PartView, Ticket};
use crate::exception::with_none_pending;
use crate::request::Flags;
use crate::storage::Exportable;

/// Adds the two slots to a class, and the methods of that name in [`array`](super::array).
#[doc(hidden)]
#[macro_export]
macro_rules! __submit_slots {
    ($class:ty, $exporter:ty, $methods:ident) => {
        $crate::private::pyo3::inventory::submit! {
            // By no name of its own: that may be the class's.
            <<$class as $crate::private::pyo3::impl_::pyclass::PyClassImpl>::Inventory>::new(
                $crate::private::pyo3::impl_::pyclass::PyClassItems {
                    methods: $crate::private::methods::$methods,
                    slots: &$crate::private::slots::<$exporter>(),
                },
            )
        }
    };
}

/// The slots of a class, in the form that PyO3 takes them.
pub const fn slots<T: Exporter>() -> [ffi::PyType_Slot; 2] {
    [
        ffi::PyType_Slot { slot: ffi::Py_bf_getbuffer, pfunc: <T::Cell as Slot<T>>::GETBUFFER as *mut _ },
        ffi::PyType_Slot { slot: ffi::Py_bf_releasebuffer, pfunc: releasebuffer as ffi::releasebufferproc as *mut _ },
    ]
}

/// Which `bf_getbuffer` a class has, by the kind of its field.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be exported as a buffer: views of it would dangle when it moves",
    label = "not an `ExportCell`",
    note = "write `ExportCell<{Self}>`, which keeps the memory in place while Python views it",
    note = "an `ExportCell` stands by itself: it locks, it shares, and it may be empty or closed, and so needs no `Mutex`, `Arc` \
            or `Option` around it or inside"
)]
pub trait Slot<T>: Source {
    /// The slot's function.
    const GETBUFFER: ffi::getbufferproc;
    /// The same for views that only a part will have been granted: `pin` is left to the part, which may still be refused.
    const GETBUFFER_OF_PART: ffi::getbufferproc;
    /// How the part does that, where the class wants it.
    const PIN: Option<SetPin>;
}

/// Pins the memory of the view whose `internal` this is. `false` where the object is no longer what holds that memory, or
/// cannot be asked.
///
/// To be called attached, with an object of the class, and while the view is counted.
pub(super) type SetPin = unsafe fn(*mut ffi::PyObject, *mut c_void) -> bool;

impl<T: Exporter<Cell = Self>, S: Exportable> Slot<T> for ExportCell<S> {
    const GETBUFFER: ffi::getbufferproc = getbuffer::<T, true>;
    const GETBUFFER_OF_PART: ffi::getbufferproc = getbuffer::<T, false>;
    const PIN: Option<SetPin> = if T::PIN { Some(pin::<T>) } else { None };
}

impl<T: Exporter<Cell = Self>, W: Exported> Slot<T> for Py<W> {
    const GETBUFFER: ffi::getbufferproc = getbuffer_part::<T, W>;
    // There are no parts of parts.
    const GETBUFFER_OF_PART: ffi::getbufferproc = getbuffer_part::<T, W>;
    const PIN: Option<SetPin> = None;
}

/// How views of a class's objects begin, for those who show parts of them.
#[derive(Debug)]
pub struct Entry<C> {
    pub(super) getbuffer: ffi::getbufferproc,
    /// Whether the class shows a part itself.
    pub(super) part: bool,
    /// Whether its views are read-only, whoever asks.
    pub(super) readonly: bool,
    /// How a view that is granted pins the memory, if it does.
    pub(super) pin: Option<SetPin>,
    class: PhantomData<fn(&C)>,
}

impl<C> Entry<C> {
    /// That of the class of an exporter.
    #[must_use]
    pub const fn of<T: Exporter<Class = C>>() -> Self {
        Self {
            getbuffer: <T::Cell as Slot<T>>::GETBUFFER_OF_PART,
            part: <T::Cell as Source>::PART,
            readonly: T::READONLY,
            pin: <T::Cell as Slot<T>>::PIN,
            class: PhantomData,
        }
    }
}

/// `bf_getbuffer`; or, where it does not pin what the class wants pinned, what parts of the class's objects ask.
///
/// # Safety
///
/// As CPython calls it: attached, with an object of `T::Class` or of a subclass. `view` may be NULL.
unsafe extern "C" fn getbuffer<T: Exporter<Cell: Cell>, const PINS: bool>(
    slf: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller vouches for the object, and a view that is not NULL may be written.
    if !view.is_null() && unsafe { getbuffer_fast::<T, PINS>(slf, view, Flags(flags)) } {
        return 0;
    }
    // SAFETY: as the caller vouches.
    unsafe { getbuffer_cold::<T, PINS>(slf, view, flags) }
}

/// What [`getbuffer`] leaves: requests that want less than everything, layouts that are new, user code, and errors.
///
/// # Safety
///
/// As for [`getbuffer`].
#[cold]
#[inline(never)]
unsafe extern "C" fn getbuffer_cold<T: Exporter<Cell: Cell>, const PINS: bool>(
    slf: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller vouches for the object, and a view that is not NULL may be written.
    if !view.is_null() && unsafe { getbuffer_plain::<T, PINS>(slf, view, Flags(flags)) } {
        return 0;
    }
    // SAFETY: CPython calls slots attached.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: as the caller vouches.
    let get = || unsafe { trampoline::getbufferproc::<ColdGet<T, PINS>>(slf, view, flags) };
    with_none_pending(py, get, |&status| status != 0)
}

/// Grants a view in the common case.
///
/// # Safety
///
/// As for [`getbuffer`], with a `view` that may be written.
#[inline(always)]
unsafe fn getbuffer_fast<T: Exporter<Cell: Cell>, const PINS: bool>(
    slf: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: Flags,
) -> bool {
    // SAFETY: as the caller vouches for the object and the view, and `class` is the value of the object.
    let grant =
        |class: &T::Class| unsafe { grant_fast::<T, PINS>(class, slf, view, flags, || dims_without_code::<T>(class)) };
    // SAFETY: the caller vouches for the object.
    unsafe { with_class::<T, _>(slf, grant) }.unwrap_or(false)
}

/// Grants a view if that takes no user code and no error. Otherwise nothing has changed.
///
/// # Safety
///
/// As for [`getbuffer`], with a `view` that may be written.
unsafe fn getbuffer_plain<T: Exporter<Cell: Cell>, const PINS: bool>(
    slf: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: Flags,
) -> bool {
    // SAFETY: as the caller vouches for the object and the view, and `class` is the value of the object.
    let grant = |class: &T::Class| unsafe {
        try_grant::<T, _, PINS>(class, slf, view, flags, || dims_without_code::<T>(class))
    };
    // SAFETY: the caller vouches for the object.
    let tried = unsafe { with_class::<T, _>(slf, grant) };
    matches!(tried, Ok(Ok(Tried::Granted)))
}

/// A [`SetPin`]. The object is borrowed meanwhile, so that nobody takes the cell out of it who has not seen the pin.
unsafe fn pin<T: Exporter<Cell: Cell>>(object: *mut ffi::PyObject, internal: *mut c_void) -> bool {
    let Some(ticket) = Ticket::from_internal(internal.cast()) else { return false };
    let pin = |class: &T::Class| {
        let cell = T::cell(class).cell();
        let holds_it = cell.address() == ticket.block;
        if holds_it {
            cell.header().pin.set(ticket.access);
        }
        holds_it
    };
    // SAFETY: the caller vouches for the object.
    unsafe { with_class::<T, _>(object, pin) }.unwrap_or(false)
}

/// The declared extents, unless it takes user code to find them.
#[inline(always)]
fn dims_without_code<T: Exporter>(class: &T::Class) -> Option<T::Dims> {
    match T::SOURCE {
        ShapeSource::Code => None,
        ShapeSource::Storage | ShapeSource::Fields => T::dims(class).ok(),
    }
}

/// Calls `with` on the value of an object, unless it cannot be borrowed.
///
/// # Safety
///
/// As for [`getbuffer`].
#[inline(always)]
unsafe fn with_class<T: Exporter, R>(
    slf: *mut ffi::PyObject,
    with: impl FnOnce(&T::Class) -> R,
) -> Result<R, Unreached> {
    // SAFETY: CPython calls slots attached.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: the caller vouches for the object. `reach` need not check it again.
    unsafe { hint::assert_unchecked(!slf.is_null()) };
    // SAFETY: the caller vouches for the object.
    unsafe { T::Class::reach(py, slf, with) }
}

/// `bf_releasebuffer`, for all classes: it trusts nothing but the ticket in `internal`.
///
/// # Safety
///
/// As CPython calls it: attached. The view may be another exporter's.
unsafe extern "C" fn releasebuffer(slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer) {
    // SAFETY: CPython has read the view to get here.
    let internal = unsafe { (*view).internal };
    let Some(ticket) = Ticket::from_internal(internal.cast()) else {
        // SAFETY: as for this function.
        return unsafe { releasebuffer_part(slf, view) };
    };
    // SAFETY: a ticket says that the view is counted in this block, which lives until it is released (invariant 1). Only
    // the lock is referred to, whose fields are all atomic (invariant 7).
    let lock = unsafe { &(*ticket.block.as_ptr()).lock };
    let released = lock.release(ticket.access);
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
        unsafe { (*view).internal = std::ptr::null_mut() };
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
    unsafe { (*view).obj = std::ptr::null_mut() };
    // After the interpreter there is nothing to drop with, and the block is leaked. While it ends there is: it no longer
    // calls itself initialised, but the thread that ends it still has its state.
    // SAFETY: may be called at any time.
    let runs = unsafe { ffi::Py_IsInitialized() } != 0;
    // SAFETY: may be called at any time.
    if runs || !unsafe { ffi::PyGILState_GetThisThreadState() }.is_null() {
        // SAFETY: the caller vouches for it.
        let py = unsafe { Python::assume_attached() };
        // SAFETY: as the caller vouches.
        with_none_pending(py, || unsafe { trampoline::releasebufferproc::<ColdFree>(slf, view) }, |()| false);
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
    unsafe { (*view).obj = std::ptr::null_mut() };
    // SAFETY: the caller vouches for it.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: as the caller vouches.
    with_none_pending(py, || unsafe { trampoline::releasebufferproc::<ColdDrain>(slf, view) }, |()| false);
}

/// Checks that the linker kept the slots of a class, which PyO3 finds through link-time registration.
///
/// A static library that is linked without `--whole-archive` can lose them; then no object of the class would be a
/// buffer. Call it once, in the module's initialisation, if your build is unusual.
///
/// # Errors
///
/// `RuntimeError` when the slots are not there.
pub fn assert_exported<T: PyClass>(_py: Python<'_>) -> PyResult<()> {
    let exported = T::items_iter().any(|items| items.slots.iter().any(|slot| slot.slot == ffi::Py_bf_getbuffer));
    if exported {
        return Ok(());
    }
    Err(PyRuntimeError::new_err(format!(
        "the linker dropped the buffer slots of `{}`; link the library that defines it with --whole-archive",
        T::NAME
    )))
}
