//! User code under control: its panics stopped, the exception that was pending before it kept.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};

use pyo3::panic::PanicException;
use pyo3::{PyErr, PyResult, Python, ffi};

use crate::exception::Text;
use crate::pending::{Pending, attached};

/// Runs user code; its panic becomes PyO3's `PanicException`.
pub(crate) fn contain<R>(code: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    panic::catch_unwind(AssertUnwindSafe(code)).unwrap_or_else(|payload| Err(panic_exception(payload)))
}

fn panic_exception(payload: Box<dyn Any + Send>) -> PyErr {
    let payload = match payload.downcast::<String>() {
        Ok(text) => return PanicException::new_err(Text(*text)),
        Err(payload) => payload,
    };
    let text = payload.downcast_ref::<&str>().copied().unwrap_or("panic from Rust code");
    // The payload is the user's too, and its drop may panic with a payload of its own. That one is leaked.
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    PanicException::new_err(Text(text))
}

/// Calls what may fail for somebody who takes raised exceptions alone, and answers `failed` if it does.
///
/// PyO3 would raise them, but where a panic ends the process. And it panics where it finds no memory, in what was called as in
/// raising: then `MemoryError` is raised, as it has left it.
pub(crate) fn raising<R>(py: Python<'_>, failed: R, code: impl FnOnce() -> PyResult<R>) -> R {
    contain(code).unwrap_or_else(|error| {
        raise(py, error);
        failed
    })
}

fn raise(py: Python<'_>, error: PyErr) {
    // SAFETY: attached, as the token says; the interpreter is there, and its exceptions with it.
    let memory_error = unsafe { ffi::PyExc_MemoryError };
    let is_raised = || PyErr::occurred(py);
    // SAFETY: attached, as the token says, and an exception is set.
    if is_raised() && unsafe { ffi::PyErr_ExceptionMatches(memory_error) } != 0 {
        return;
    }
    let restored = contain(|| {
        error.restore(py);
        Ok(())
    });
    if let Err(panic) = restored
        && !is_raised()
    {
        panic.restore(py);
    }
}

/// Calls what may run user code and set exceptions, with none pending. The one that was pending before is pending again
/// afterwards, unless `failed` says that the call's own takes its place.
///
/// PyO3's trampolines are such calls even before they reach us: they drop the references that wait in PyO3's pool.
pub(crate) fn with_none_pending<R>(py: Python<'_>, call: impl FnOnce() -> R, failed: impl FnOnce(&R) -> bool) -> R {
    let before = Pending::take(py);
    let result = call();
    if failed(&result) {
        let own = Pending::take(py);
        drop(before);
        own.restore();
    } else {
        before.restore();
    }
    result
}

/// Runs user code that has nobody to raise anything to: its panic is reported, and so is what it leaves raised.
pub(crate) fn report(py: Python<'_>, code: impl FnOnce()) {
    let done = contain(|| {
        code();
        Ok(())
    });
    if let Err(error) = done {
        // First what the code has raised before it panicked.
        report_raised(py);
        raise(py, error);
    }
    report_raised(py);
}

fn report_raised(py: Python<'_>) {
    if PyErr::occurred(py) {
        // SAFETY: attached, as the token says; without an object the report names none.
        unsafe { ffi::PyErr_WriteUnraisable(std::ptr::null_mut()) };
    }
}

/// Runs the drop of what a Python object may own, which is any code. Objects also die while an exception is pending, such as
/// the temporaries of an expression that raises, and PyO3 drops their values then and there: Python code that is called from
/// such a drop would lose the exception, and CPython would crash for want of it. So it is kept; a panic, which would take its
/// place, is reported.
///
/// Where nothing is pending, or the thread is not attached, this is a call.
pub(crate) fn undisturbed(code: impl FnOnce()) {
    match attached() {
        Some(py) if PyErr::occurred(py) => with_none_pending(py, || report(py, code), |()| false),
        _ => code(),
    }
}

/// Releases a view that is held of another exporter, which may run Python code: whatever is pending stays so, and what the
/// release leaves raised is reported, since there is nobody to raise it to.
///
/// # Safety
///
/// The view was granted, and is released here only.
pub(crate) unsafe fn release_held(py: Python<'_>, view: *mut ffi::Py_buffer) {
    let release = || {
        // SAFETY: attached, as the token says, and the caller vouches for the view.
        unsafe { ffi::PyBuffer_Release(view) };
        report_raised(py);
    };
    if PyErr::occurred(py) { with_none_pending(py, release, |()| false) } else { release() }
}
