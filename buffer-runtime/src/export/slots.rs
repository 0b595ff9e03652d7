//! The two slots, and how they become slots of the class.
//!
//! PyO3 has no public way to add slots to a class whose `#[pymethods]` the user writes. Its `multiple-pymethods`
//! feature collects blocks of methods and slots in an inventory, and this module submits one more. This crate uses
//! these items of PyO3 that are not public API, so PyO3 is pinned to its minor version:
//!
//! - `impl_::pyclass::{PyClassImpl::Inventory, PyClassImpl::items_iter, PyClassItems}` and `inventory::submit!`, here;
//! - `impl_::pyclass::NoopThreadChecker` and `impl_::pycell::PyClassObjectBaseLayout`, in `reach`;
//! - `impl_::trampoline::{getbufferproc, MethodDef}` here, `inquiry` in `code`, and `releasebufferproc` in `release`;
//! - `impl_::pyclass::{PyClassImpl::lazy_type_object, LazyTypeObject::get_or_try_init}`, in `classes`;
//! - `impl_::trampoline::cfunction_with_keywords` and `impl_::pymethods::{PyMethodDef, PyMethodDefType}`, in `array`;
//! - `impl_::trampoline::{fastcall_cfunction_with_keywords, noargs}`, in `dlpack`;
//! - `impl_::pymethods::PyGetterDef`, in `property`, and `PyClassAttributeDef`, in `declares`;
//! - the names `__pymethod___getbuffer____`, `__pymethod___releasebuffer____` and `__pymethod___array____`, in the
//!   derive.
//!
//! Plain slots cost a third of PyO3's trampolines. They run no user code and cannot panic. Code that might goes through
//! the trampolines, so that user code finds PyO3 attached.

use std::ffi::c_int;
use std::hint;

use pyo3::exceptions::{PyBufferError, PyRuntimeError};
use pyo3::impl_::trampoline::{MethodDef, getbufferproc};
use pyo3::{Py, PyClass, PyResult, Python, ffi};

use super::class::{Cell, Exported, Exporter, ShapeSource, Slot};

use super::code;
use super::grant::{grant_at_once, grant_view};
use super::part::{AtOnce, grant_part_at_once, grant_view_of_part};
use super::plain;
use super::reach::Class;
use super::release::{releasebuffer, releasebuffer_of_part};
use super::stable;
use super::table::{ClassTable, Shows};
use crate::cell::{ExportCell, NotAtOnce, orphans};
use crate::contain::{raising, with_none_pending};
use crate::exception::exception;
use crate::lock::CHANGES_BETWEEN_STEPS;
use crate::request::Flags;
use crate::storage::Exportable;
use crate::trace;

/// Adds the two slots to a class, and the methods that the function `$methods` of [`declares`](super::declares)
/// returns.
#[doc(hidden)]
#[macro_export]
macro_rules! __submit_slots {
    ($inventory:ty, $exporter:ty, $methods:ident) => {
        $crate::private::pyo3::inventory::submit! {{
            #[allow(unused_imports, reason = "used only if the class is none")]
            use $crate::private::New as _;
            // Named by path only: an imported name could be the name of the class.
            <$inventory>::new(
                $crate::private::pyo3::impl_::pyclass::PyClassItems {
                    // SAFETY: as for the slots.
                    methods: unsafe { $crate::private::methods::$methods::<$exporter>() },
                    // SAFETY: the derive names the inventory of the exporter's class, and safe code can name no
                    // exporter.
                    slots: &unsafe { $crate::private::slots::<$exporter>() },
                },
            )
        }}
    };
}

/// How many more attempts a request makes at once at most. Each change of the lock by another thread costs one.
const MAX_TRIES_AT_ONCE: usize = 100;
/// How long a request pauses before its second attempt, in spins. The pause doubles with every attempt, up to this many
/// times.
const PAUSE: usize = 16;
const MAX_DOUBLINGS: usize = 4;

/// The slots of a class, in PyO3's form.
///
/// # Safety
///
/// They become slots of the exporter's class and of its subclasses only.
pub const unsafe fn slots<T: Exporter>() -> [ffi::PyType_Slot; 2] {
    [
        ffi::PyType_Slot { slot: ffi::Py_bf_getbuffer, pfunc: <T::Cell as Slot<T>>::GETBUFFER as *mut _ },
        ffi::PyType_Slot { slot: ffi::Py_bf_releasebuffer, pfunc: <T::Cell as Slot<T>>::RELEASEBUFFER as *mut _ },
    ]
}

// SAFETY: the functions have no other requirements.
unsafe impl<T: Exporter<Cell = Self>, S: Exportable> Slot<T> for ExportCell<S> {
    const GETBUFFER: ffi::getbufferproc = getbuffer::<T>;
    const RELEASEBUFFER: ffi::releasebufferproc = releasebuffer;
    const TABLE: &'static ClassTable = &ClassTable::of_cell::<T>();
}

// SAFETY: `getbuffer_part` has no other requirements.
unsafe impl<T: Exporter<Cell = Self>, W: Exported> Slot<T> for Py<W> {
    const GETBUFFER: ffi::getbufferproc = getbuffer_part::<T, W>;
    const RELEASEBUFFER: ffi::releasebufferproc = releasebuffer_of_part;
    const TABLE: &'static ClassTable = &ClassTable::of_part::<T, W>();
}

/// `bf_getbuffer` of a class that exports a cell.
///
/// # Safety
///
/// As CPython calls it: attached, with an object of `T::Class` or of a subclass. `view` may be NULL.
unsafe extern "C" fn getbuffer<T: Exporter<Cell: Cell>>(
    slf: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: c_int,
) -> c_int {
    // SAFETY: CPython calls slots attached.
    let py = unsafe { Python::assume_attached() };
    // This removes later checks for NULL.
    // SAFETY: the caller vouches for the object, which is not NULL.
    unsafe { hint::assert_unchecked(!slf.is_null()) };
    let table = <T::Cell as Slot<T>>::TABLE;
    // SAFETY: the caller vouches for the object and the view.
    match unsafe { grant_at_once::<T, false>(py, slf, view, Flags(flags)) } {
        Ok(()) => 0,
        // Other results than `Untried` show that the view is not NULL.
        // SAFETY: as the caller vouches, and the view is not NULL.
        Err(NotAtOnce::Changed) if CHANGES_BETWEEN_STEPS => unsafe { getbuffer_again::<T>(slf, view, flags) },
        // SAFETY: as the caller vouches, and the view is not NULL.
        Err(NotAtOnce::Unevaluated) if runs_code::<T>() => unsafe { code::call(slf, view, flags, table) },
        // SAFETY: as the caller vouches, and `grant_at_once` has left the view.
        Err(NotAtOnce::Unanswered(_)) => unsafe { call(slf, view, flags, table) },
        // SAFETY: as the caller vouches.
        Err(_) => unsafe { call_slow(slf, view, flags, table) },
    }
}

/// Whether the layout of a class runs the user's expressions.
const fn runs_code<T: Exporter>() -> bool {
    matches!(T::SOURCE, ShapeSource::Code)
}

/// [`getbuffer`] after another thread has changed the lock meanwhile. A function of its own, because a loop would make
/// every request save registers.
///
/// It pauses before each attempt. Meanwhile the other thread has the lock in its cache, and both together are faster
/// than if each took it from the other at every step.
///
/// # Safety
///
/// As for [`getbuffer`], and `view` is not NULL.
#[cold]
#[inline(never)]
unsafe extern "C" fn getbuffer_again<T: Exporter<Cell: Cell>>(
    slf: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: c_int,
) -> c_int {
    // SAFETY: CPython calls slots attached.
    let py = unsafe { Python::assume_attached() };
    let table = <T::Cell as Slot<T>>::TABLE;
    for attempt in 0..MAX_TRIES_AT_ONCE {
        for _ in 0..(PAUSE << attempt.min(MAX_DOUBLINGS)) {
            hint::spin_loop();
        }
        // SAFETY: the caller vouches for the object and the view.
        match unsafe { grant_at_once::<T, true>(py, slf, view, Flags(flags)) } {
            Ok(()) => return 0,
            Err(NotAtOnce::Changed) => {}
            // SAFETY: as the caller vouches, and `grant_at_once` has left the view.
            Err(NotAtOnce::Unanswered(_)) => return unsafe { call(slf, view, flags, table) },
            Err(NotAtOnce::Untried | NotAtOnce::Unevaluated) => break,
        }
    }
    // SAFETY: as the caller vouches.
    unsafe { call_slow(slf, view, flags, table) }
}

/// `bf_getbuffer` of a class that shows a part of another object.
///
/// # Safety
///
/// As for [`getbuffer`].
unsafe extern "C" fn getbuffer_part<T: Exporter<Cell = Py<W>>, W: Exported>(
    slf: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: c_int,
) -> c_int {
    // SAFETY: CPython calls slots attached.
    let py = unsafe { Python::assume_attached() };
    let grant_of = |class: &T::Class| {
        // Never an error: these numbers are only read.
        let Ok(dims) = T::dims(class) else { return AtOnce::Left };
        let whole = (T::cell(class).as_ptr(), W::ENTRY.table);
        // SAFETY: the caller vouches for the object, which is borrowed, and for the view. The whole is of its class.
        unsafe { grant_part_at_once(slf, view, Flags(flags), (T::descriptor(), &dims), whole) }
    };
    if runs_code::<T>() && !view.is_null() {
        // SAFETY: as the caller vouches, and the view is not NULL.
        return unsafe { code::call(slf, view, flags, <T::Cell as Slot<T>>::TABLE) };
    }
    if !view.is_null() {
        // SAFETY: the caller vouches for the object.
        match unsafe { T::Class::reach(py, slf, grant_of) } {
            Ok(AtOnce::Granted) => {
                // SAFETY: attached, and the object is alive; the granted view owns this reference.
                unsafe { ffi::Py_INCREF(slf) };
                return 0;
            }
            Ok(AtOnce::Refused) => return -1,
            Ok(AtOnce::Left) | Err(_) => {}
        }
    }
    // SAFETY: as the caller vouches.
    unsafe { call_slow(slf, view, flags, <T::Cell as Slot<T>>::TABLE) }
}

/// Answers a request that the table of the layout does not answer. A function of its own, so that it saves no
/// registers.
///
/// # Safety
///
/// As for [`getbuffer`], with an object of the class that the table belongs to. [`grant_at_once`] has left the view for
/// that reason.
#[cold]
#[inline(never)]
unsafe extern "C" fn call(
    slf: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: c_int,
    table: &'static ClassTable,
) -> c_int {
    // SAFETY: as the caller vouches.
    if Flags(flags).is_stable() && unsafe { stable::grant_at_once(slf, view, Flags(flags), table) } {
        return 0;
    }
    // SAFETY: as the caller vouches.
    unsafe { call_cold(slf, view, flags, table) }
}

/// [`call`] for all but stable views that are granted at once.
///
/// # Safety
///
/// As for [`call`].
#[cold]
#[inline(never)]
unsafe extern "C" fn call_cold(
    slf: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: c_int,
    table: &'static ClassTable,
) -> c_int {
    // SAFETY: CPython calls slots attached.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: as the caller vouches.
    if unsafe { plain::refuse(py, view, Flags(flags)) } {
        return -1;
    }
    // SAFETY: as the caller vouches.
    unsafe { call_slow(slf, view, flags, table) }
}

/// A request that may run user code or raise, and so is answered inside PyO3's trampoline.
struct Request {
    view: *mut ffi::Py_buffer,
    table: &'static ClassTable,
}

/// Answers a request, and notes where a granted view is taken if views are traced.
///
/// # Safety
///
/// As for [`getbuffer`], with an object of the class that the table belongs to.
#[cold]
#[inline(never)]
pub(crate) unsafe extern "C" fn call_slow(
    slf: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: c_int,
    table: &'static ClassTable,
) -> c_int {
    // SAFETY: as the caller vouches.
    let status = unsafe { answer_slowly(slf, view, flags, table) };
    if trace::may_be_traced() && status == 0 {
        // SAFETY: CPython calls slots attached.
        let py = unsafe { Python::assume_attached() };
        // SAFETY: as above. The view was granted, so it is not NULL, and the caller has not returned it yet.
        unsafe { trace::note(py, view) };
    }
    status
}

/// # Safety
///
/// As for [`call_slow`].
#[inline(always)]
unsafe fn answer_slowly(
    slf: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: c_int,
    table: &'static ClassTable,
) -> c_int {
    // SAFETY: CPython calls slots attached.
    let py = unsafe { Python::assume_attached() };
    if !view.is_null() && matches!(table.shows, Shows::Cell(_)) {
        // SAFETY: as the caller vouches, and the view is not NULL.
        if let Some(status) = unsafe { plain::answer(py, slf, view, Flags(flags), table) } {
            return status;
        }
    }
    // The trampoline passes its arguments on without reading them. So one of them can carry the table along with the
    // view.
    let mut request = Request { view, table };
    let request = (&raw mut request).cast();
    // SAFETY: as the caller vouches.
    let get = || unsafe { getbufferproc::<Trampolined>(slf, request, flags) };
    with_none_pending(py, get, |&status| status != 0)
}

struct Trampolined;

impl MethodDef<getbufferproc::Func> for Trampolined {
    const METH: getbufferproc::Func = get;
}

/// # Safety
///
/// As for [`call_slow`], which also made the request.
#[expect(clippy::unnecessary_wraps, reason = "the trampoline's signature")]
unsafe fn get(py: Python<'_>, slf: *mut ffi::PyObject, request: *mut ffi::Py_buffer, flags: c_int) -> PyResult<c_int> {
    // SAFETY: the caller vouches for it.
    let &Request { view, table } = unsafe { &*request.cast::<Request>() };
    Ok(raising(py, -1, || {
        if view.is_null() {
            let text = "a view was requested into a NULL Py_buffer; pass the address of one";
            return Err(exception::<PyBufferError>(py, text));
        }
        // Set first, so that `obj` is NULL after every refusal.
        // SAFETY: a view that is not NULL is the caller's `Py_buffer`; its old contents do not matter.
        unsafe { (*view).obj = std::ptr::null_mut() };
        orphans::free_waiting(py);
        let grant = match table.shows {
            Shows::Cell(_) => grant_view,
            Shows::Part(..) => grant_view_of_part,
        };
        // SAFETY: the caller vouches for the object.
        unsafe { grant(py, slf, view, Flags(flags), table) }?;
        // SAFETY: attached, and the object is alive; the granted view owns this reference.
        unsafe { ffi::Py_INCREF(slf) };
        Ok(0)
    }))
}

/// Checks that the linker kept the slots of a class, which PyO3 finds through link-time registration.
///
/// A static library that is linked without `--whole-archive` can lose the slots; then no object of the class exports a
/// buffer. If your build is unusual, call this function once, in the module's initialisation.
///
/// # Errors
///
/// `RuntimeError` if the slots are missing.
pub fn assert_exported<T: PyClass>(py: Python<'_>) -> PyResult<()> {
    let exported = T::items_iter().any(|items| items.slots.iter().any(|slot| slot.slot == ffi::Py_bf_getbuffer));
    if exported {
        return Ok(());
    }
    let class = T::NAME;
    let text = format_args!(
        "the linker dropped the buffer slots of `{class}`; link the library that defines it with --whole-archive"
    );
    Err(exception::<PyRuntimeError>(py, text))
}
