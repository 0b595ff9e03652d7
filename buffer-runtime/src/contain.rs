//! Calls of user code: panics are caught, and an exception that was pending before the call is kept.

use std::any::Any;
use std::ffi::c_int;
use std::panic::{self, AssertUnwindSafe};

use pyo3::panic::PanicException;
use pyo3::{PyErr, PyResult, Python, ffi};

use crate::exception::Text;
use crate::pending::{Pending, attached};

/// Runs user code. A panic becomes PyO3's `PanicException`.
pub(crate) fn contain<R>(code: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    match panic::catch_unwind(AssertUnwindSafe(code)) {
        Ok(result) => result,
        Err(payload) => Err(panic_exception(payload)),
    }
}

fn panic_exception(payload: Box<dyn Any + Send>) -> PyErr {
    let payload = match payload.downcast::<String>() {
        Ok(text) => return PanicException::new_err(Text(*text)),
        Err(payload) => payload,
    };
    let text = payload.downcast_ref::<&str>().copied().unwrap_or("panic from Rust code");
    // The payload is user code too: its drop may panic with a second payload. The second payload is leaked.
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    PanicException::new_err(Text(text))
}

/// Calls code that may fail. On failure, sets the exception and returns `failed`.
///
/// PyO3's trampoline would set the exception too, but at a point where a panic aborts the process. PyO3 panics if there
/// is no memory, in the code that is called or while it sets the exception. In that case the `MemoryError` that is
/// already set stays set.
pub(crate) fn raising<R>(py: Python<'_>, failed: R, code: impl FnOnce() -> PyResult<R>) -> R {
    match contain(code) {
        Ok(result) => result,
        Err(error) => {
            raise(py, error);
            failed
        }
    }
}

/// Calls code that returns the status of a slot, and sets its own exceptions. A panic becomes an exception too.
pub(crate) fn status(py: Python<'_>, code: impl FnOnce() -> c_int) -> c_int {
    match panic::catch_unwind(AssertUnwindSafe(code)) {
        Ok(status) => status,
        Err(payload) => {
            raise_panic(py, payload);
            -1
        }
    }
}

#[cold]
#[inline(never)]
fn raise_panic(py: Python<'_>, payload: Box<dyn Any + Send>) {
    // Without memory, making the exception may panic too. Then the `MemoryError` is set already.
    raising(py, (), || Err(panic_exception(payload)));
}

/// Sets the exception of an error.
pub(crate) fn raise(py: Python<'_>, error: PyErr) {
    // SAFETY: attached, as the token proves, so the interpreter and its exception classes exist.
    let memory_error = unsafe { ffi::PyExc_MemoryError };
    let is_raised = || PyErr::occurred(py);
    // SAFETY: attached, as the token proves, and an exception is set.
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

/// Calls code that may run user code and set exceptions, while no exception is pending. Afterwards the exception that
/// was pending before is pending again; but if `failed` returns `true`, the exception of the call replaces it.
///
/// A PyO3 trampoline is such a call even before it calls this crate, because it drops the references in PyO3's pool.
pub(crate) fn with_none_pending<R>(py: Python<'_>, call: impl FnOnce() -> R, failed: impl FnOnce(&R) -> bool) -> R {
    let before = Pending::take(py);
    let result = call();
    let failed = failed(&result);
    before.restore_unless(failed);
    result
}

/// Runs user code whose exceptions no caller can handle: a panic is reported, and so is an exception that the code
/// leaves set.
pub(crate) fn report(py: Python<'_>, code: impl FnOnce()) {
    let done = contain(|| {
        code();
        Ok(())
    });
    if let Err(error) = done {
        // Reports first the exception that the code set before it panicked.
        report_raised(py);
        raise(py, error);
    }
    report_raised(py);
}

pub(crate) fn report_raised(py: Python<'_>) {
    if PyErr::occurred(py) {
        // SAFETY: attached, as the token proves; NULL means that the report names no object.
        unsafe { ffi::PyErr_WriteUnraisable(std::ptr::null_mut()) };
    }
}

/// Runs the drop of a value that a Python object may own, which may be any code. Objects also die while an exception is
/// pending, such as the temporaries of an expression that raises, and PyO3 drops their values at once. Python code that
/// such a drop calls would clear the exception, and CPython would crash because the exception is missing. So the
/// exception is saved and restored. A panic, which would replace the exception, is reported.
///
/// If no exception is pending, or the thread is not attached, this is a plain call.
pub(crate) fn undisturbed(code: impl FnOnce()) {
    match attached() {
        Some(py) if PyErr::occurred(py) => with_none_pending(py, || report(py, code), |()| false),
        _ => code(),
    }
}
