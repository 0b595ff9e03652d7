//! Requests whose layout runs the user's expressions, in the common case: nothing else is in the way, and the layout
//! has not changed since the last view.
//!
//! The expressions run inside PyO3's trampoline, so that they find PyO3 attached, and outside any lock. What they
//! return is compared with the last layout at once, in code of the class; `evaluate` continues with it in any other
//! case.

use std::ffi::c_int;
use std::ptr::NonNull;

use pyo3::impl_::trampoline::{MethodDef, inquiry};
use pyo3::{Py, PyErr, PyResult, Python, ffi};

use super::class::{Cell, Exported, Exporter, Slot, Source};

use super::evaluate::{Level, Ready};
use super::grant::{grant_reached, hand_over};
use super::part::{AtOnce, fill_part, grant_part_at_once, grant_reached_part};
use super::reach::Class;
use super::slots::call_slow;
use super::table::{ClassTable, Reached};
use crate::cell::{self, Grant, Header, PartGrant, orphans};
use crate::contain;
use crate::layout::Memory;
use crate::pending::Pending;
use crate::request::Flags;
use crate::trace;

/// Evaluates the expressions of a class, and grants a view. The caller adds the view's reference to the object. Returns
/// what the slot returns, with the exception set.
///
/// # Safety
///
/// Attached, as PyO3 sees it. The object is one of the class or of a subclass, and the view may be written.
pub(super) type Evaluate = unsafe fn(Python<'_>, *mut ffi::PyObject, *mut ffi::Py_buffer, Flags) -> c_int;

struct Request {
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: Flags,
    evaluate: Evaluate,
}

/// `bf_getbuffer` of a class with expressions, if they must be evaluated.
///
/// # Safety
///
/// As CPython calls it, with an object of the class that the table belongs to, and a view that is not NULL.
#[inline(never)]
pub(super) unsafe extern "C" fn call(
    slf: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: c_int,
    table: &'static ClassTable,
) -> c_int {
    // SAFETY: CPython calls slots attached.
    let py = unsafe { Python::assume_attached() };
    // A request to write read-only memory is refused before anything is evaluated, and a pending exception is kept.
    let is_plain = |_: &Evaluate| {
        let refused = table.readonly && Flags(flags).writable() || Flags(flags).is_mistaken();
        !(refused || orphans::are_waiting() || PyErr::occurred(py))
    };
    let Some(evaluate) = table.evaluate.filter(is_plain) else {
        // SAFETY: as the caller vouches.
        return unsafe { call_slow(slf, view, flags, table) };
    };
    // Set first, so that `obj` is NULL after every refusal.
    // SAFETY: the caller vouches for the view, whose old contents do not matter.
    unsafe { (*view).obj = std::ptr::null_mut() };
    // The trampoline passes its argument on without reading it, so this need not be an object. It is one of PyO3's that
    // nothing else in this crate calls: compilers inline it for this reason.
    let mut request = Request { object: slf, view, flags: Flags(flags), evaluate };
    // SAFETY: as the caller vouches.
    let status = unsafe { inquiry::<Trampolined>((&raw mut request).cast()) };
    if status == 0 {
        if PyErr::occurred(py) {
            // The expressions have set an exception, but returned numbers all the same.
            drop(Pending::take(py));
        }
        if trace::may_be_traced() {
            // SAFETY: attached. The view was granted, and the caller has not returned it yet.
            unsafe { trace::note(py, view) };
        }
    }
    status
}

struct Trampolined;

impl MethodDef<inquiry::Func> for Trampolined {
    const METH: inquiry::Func = get;
}

/// # Safety
///
/// As for [`call`], which also made the request.
#[expect(clippy::unnecessary_wraps, reason = "the trampoline's signature")]
unsafe fn get(py: Python<'_>, request: *mut ffi::PyObject) -> PyResult<c_int> {
    // SAFETY: the caller vouches for it.
    let &Request { object, view, flags, evaluate } = unsafe { &*request.cast::<Request>() };
    // SAFETY: as the caller vouches.
    let status = contain::status(py, || unsafe { evaluate(py, object, view, flags) });
    if status == 0 {
        // SAFETY: attached, and the object is alive; the granted view owns this reference.
        unsafe { ffi::Py_INCREF(object) };
    }
    Ok(status)
}

/// [`Evaluate`] of a class that exports a cell.
///
/// # Safety
///
/// As for that type.
pub(super) unsafe fn evaluate_cell<T: Exporter<Cell: Cell>>(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: Flags,
) -> c_int {
    let grant_of = |class: &T::Class| {
        let block = T::cell(class).cell().address();
        let memory = if <T::Cell as Source>::ROWS {
            // SAFETY: the class is borrowed, and so is the cell in it, which keeps its block alive.
            unsafe { Header::memory(block) }
        } else {
            // SAFETY: as above.
            Memory { len: unsafe { block.as_ref() }.len(), row_len: None }
        };
        let level = match Level::enter(py) {
            Ok(level) => level,
            Err(error) => return raised(py, error),
        };
        let evaluated = T::dims(class);
        drop(level);
        let dims = match evaluated {
            Ok(dims) => dims,
            Err(error) => return raised(py, error),
        };
        // SAFETY: as above; attached, as the token proves.
        if let Ok(grant) = unsafe { cell::grant_at_once(block, T::descriptor(), flags, Some(|| Some(&dims))) } {
            // SAFETY: the caller vouches for the object and the view.
            unsafe { hand_over(object, view, grant, T::PIN, Some(<T::Cell as Source>::ROWS)) };
            return 0;
        }
        // SAFETY: the table is the class's.
        let class = unsafe { Reached::of(NonNull::from(class).cast(), <T::Cell as Slot<T>>::TABLE) };
        // Moved, so that nothing refers to the numbers before: the compiler then keeps them in registers.
        let moved = dims;
        let ready = Ready { dims: &moved, memory: Some(memory) };
        // SAFETY: the caller vouches for the object and the view.
        unsafe { grant_cell(py, class, object, view, flags, ready) }
    };
    // SAFETY: the caller vouches for the object.
    unsafe { T::Class::reach(py, object, grant_of) }
        .unwrap_or_else(|unreached| raised(py, unreached.of_class(py, T::Class::NAME)))
}

/// # Safety
///
/// As for [`Evaluate`], and `class` is the object's value.
#[cold]
#[inline(never)]
unsafe fn grant_cell(
    py: Python<'_>,
    class: Reached<'_>,
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: Flags,
    ready: Ready<'_>,
) -> c_int {
    // SAFETY: the caller vouches for the object and the view.
    let mut fill = |grant: Grant<'_>| unsafe { hand_over(object, view, grant, class.table.pin, None) };
    grant_reached(py, class, flags, Some(ready), &mut fill).map_or_else(|error| raised(py, error), |()| 0)
}

/// [`Evaluate`] of a class that shows a part of another object.
///
/// # Safety
///
/// As for that type.
pub(super) unsafe fn evaluate_part<T: Exporter<Cell = Py<W>>, W: Exported>(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: Flags,
) -> c_int {
    let grant_of = |class: &T::Class| {
        let level = match Level::enter(py) {
            Ok(level) => level,
            Err(error) => return raised(py, error),
        };
        let evaluated = T::dims(class);
        drop(level);
        let dims = match evaluated {
            Ok(dims) => dims,
            Err(error) => return raised(py, error),
        };
        let whole = (T::cell(class).as_ptr(), W::ENTRY.table);
        // SAFETY: the caller vouches for the object, which is borrowed, and for the view. The whole is of its class.
        match unsafe { grant_part_at_once(object, view, flags, (T::descriptor(), &dims), whole) } {
            AtOnce::Granted => 0,
            AtOnce::Refused => -1,
            AtOnce::Left => {
                // SAFETY: the table is the class's.
                let class = unsafe { Reached::of(NonNull::from(class).cast(), <T::Cell as Slot<T>>::TABLE) };
                // Moved, as in `evaluate_cell`.
                let moved = dims;
                // SAFETY: the caller vouches for the object and the view.
                unsafe { grant_part(py, class, object, view, flags, Ready { dims: &moved, memory: None }) }
            }
        }
    };
    // SAFETY: the caller vouches for the object.
    unsafe { T::Class::reach(py, object, grant_of) }
        .unwrap_or_else(|unreached| raised(py, unreached.of_class(py, T::Class::NAME)))
}

/// # Safety
///
/// As for [`Evaluate`], and `class` is the object's value.
#[cold]
#[inline(never)]
unsafe fn grant_part(
    py: Python<'_>,
    class: Reached<'_>,
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: Flags,
    ready: Ready<'_>,
) -> c_int {
    // SAFETY: the caller vouches for the object and the view.
    let mut fill = |part: PartGrant<'_>, of: &ClassTable| unsafe { fill_part(object, view, part, of) };
    grant_reached_part(py, class, object.addr(), flags, Some(ready), &mut fill)
        .map_or_else(|error| raised(py, error), |()| 0)
}

/// Sets the exception of an error, and returns what the slot returns then.
#[cold]
#[inline(never)]
fn raised(py: Python<'_>, error: PyErr) -> c_int {
    contain::raise(py, error);
    -1
}
