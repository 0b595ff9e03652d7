//! User code under control: its panics stopped, the exception that was pending before it kept.

use std::any::Any;
use std::borrow::Cow;
use std::panic::{self, AssertUnwindSafe};

use pyo3::exceptions::{PyBufferError, PyMemoryError};
use pyo3::panic::PanicException;
use pyo3::{Bound, Py, PyAny, PyErr, PyErrArguments, PyResult, Python, ffi};

use crate::error::{BorrowError, ViewError};
use crate::format::FormatError;
use crate::storage::ForeignBufferError;

/// Runs user code; its panic becomes PyO3's `PanicException`.
pub(crate) fn contain<R>(code: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    panic::catch_unwind(AssertUnwindSafe(code)).unwrap_or_else(|payload| Err(panic_exception(payload)))
}

fn panic_exception(payload: Box<dyn Any + Send>) -> PyErr {
    let text = match (payload.downcast_ref::<String>(), payload.downcast_ref::<&str>()) {
        (Some(text), _) => text.clone(),
        (_, Some(text)) => (*text).to_owned(),
        _ => "panic from Rust code".to_owned(),
    };
    // The payload is the user's too, and its drop may panic with a payload of its own. That one is leaked.
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    PanicException::new_err(Text::from(text))
}

/// The text of an exception of ours. Where there is no memory for it the exception goes without, or `MemoryError` takes its
/// place; PyO3 panics for what it makes of a `String`, and where it raises, nothing stops a panic.
pub(crate) struct Text(Cow<'static, str>);

impl<T: Into<Cow<'static, str>>> From<T> for Text {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl PyErrArguments for Text {
    fn arguments(self, py: Python<'_>) -> Py<PyAny> {
        // No text is longer than memory.
        let len = self.0.len().cast_signed();
        // SAFETY: attached, as the token says; so many bytes are there.
        let text = unsafe { ffi::PyUnicode_FromStringAndSize(self.0.as_ptr().cast(), len) };
        // SAFETY: an owned reference, or NULL.
        let text = unsafe { Bound::from_owned_ptr_or_opt(py, text) };
        text.map_or_else(
            || {
                drop(PyErr::take(py));
                py.None()
            },
            Bound::unbind,
        )
    }
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

/// The exception that is set: consumers ask again, and release, while one is pending.
///
/// Not a `PyErr`: taking a pending `PanicException` as one resumes the panic.
#[must_use = "the pending exception is to be restored"]
pub(crate) struct Pending<'py> {
    py: Python<'py>,
    #[cfg(Py_3_12)]
    exception: *mut ffi::PyObject,
    #[cfg(not(Py_3_12))]
    exception: [*mut ffi::PyObject; 3],
}

impl<'py> Pending<'py> {
    pub(crate) fn take(py: Python<'py>) -> Self {
        #[cfg(Py_3_12)]
        // SAFETY: attached, as the token says. The answer is an owned reference or NULL.
        let exception = unsafe { ffi::PyErr_GetRaisedException() };
        #[cfg(not(Py_3_12))]
        let exception = {
            let mut parts = [std::ptr::null_mut(); 3];
            let [kind, value, traceback] = &mut parts;
            // SAFETY: attached, as the token says. The answers are owned references or NULL.
            unsafe { ffi::PyErr_Fetch(kind, value, traceback) };
            parts
        };
        Self { py, exception }
    }

    /// Sets it again, in the place of whatever is set now.
    pub(crate) fn restore(self) {
        let _ = self.py;
        #[cfg(Py_3_12)]
        // SAFETY: attached; the reference is owned and handed over.
        unsafe {
            ffi::PyErr_SetRaisedException(self.exception);
        }
        #[cfg(not(Py_3_12))]
        {
            let [kind, value, traceback] = self.exception;
            // SAFETY: attached; the references are owned and handed over.
            unsafe { ffi::PyErr_Restore(kind, value, traceback) };
        }
        std::mem::forget(self);
    }

    /// As an error to be raised on, if there is one.
    fn into_error(self) -> Option<PyErr> {
        #[cfg(Py_3_12)]
        let value = self.exception;
        #[cfg(not(Py_3_12))]
        let value = {
            let [mut kind, mut value, mut traceback] = self.exception;
            // SAFETY: attached; the references are owned, and so are those that take their place. NULL stays NULL.
            unsafe { ffi::PyErr_NormalizeException(&raw mut kind, &raw mut value, &raw mut traceback) };
            if !traceback.is_null() {
                // SAFETY: attached; with a traceback there is an exception.
                unsafe { ffi::PyException_SetTraceback(value, traceback) };
            }
            // The exception refers to both by now.
            drop(Self { py: self.py, exception: [kind, std::ptr::null_mut(), traceback] });
            value
        };
        let py = self.py;
        std::mem::forget(self);
        // SAFETY: an owned reference, or NULL.
        let value = unsafe { Bound::from_owned_ptr_or_opt(py, value) };
        value.map(PyErr::from_value)
    }
}

/// What a call has raised that has failed, to be raised on. `PyErr::fetch` would resume the panic that a `PanicException` comes
/// from, and print that it does.
pub(crate) fn raised(py: Python<'_>) -> PyErr {
    Pending::take(py).into_error().unwrap_or_else(|| PyErr::fetch(py))
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

/// Whether this thread is attached. Never attaches, nor waits.
#[cfg(not(any(Py_LIMITED_API, all(miri, not(test)))))]
fn attached<'py>() -> Option<Python<'py>> {
    // SAFETY: any thread may ask, with or without an interpreter; the answer is only compared.
    let current = unsafe { ffi::compat::PyThreadState_GetUnchecked() };
    // Up to 3.11 that is the thread which has the GIL, and not always this one. (Nobody tells that of a thread which has run
    // another interpreter before; it is taken for a detached one.)
    // SAFETY: as above, with an interpreter.
    let is_ours = || std::ptr::eq(current, unsafe { ffi::PyGILState_GetThisThreadState() });
    // SAFETY: the thread state that is current is this thread's.
    (!current.is_null() && is_ours()).then(|| unsafe { Python::assume_attached() })
}

/// The stable ABI cannot tell, and under Miri there is no Python but the one of this crate's tests.
#[cfg(any(Py_LIMITED_API, all(miri, not(test))))]
fn attached<'py>() -> Option<Python<'py>> {
    None
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

impl Drop for Pending<'_> {
    /// Lets go of it, when another exception takes its place.
    fn drop(&mut self) {
        #[cfg(Py_3_12)]
        let parts = [self.exception];
        #[cfg(not(Py_3_12))]
        let parts = self.exception;
        for part in parts {
            // SAFETY: attached, as the token says; each part is an owned reference or NULL.
            unsafe { ffi::Py_XDECREF(part) };
        }
    }
}

impl From<BorrowError> for PyErr {
    fn from(error: BorrowError) -> Self {
        let text = Text::from(error.to_string());
        if error.is_out_of_memory() { PyMemoryError::new_err(text) } else { PyBufferError::new_err(text) }
    }
}

impl From<ViewError> for PyErr {
    fn from(error: ViewError) -> Self {
        PyBufferError::new_err(Text::from(error.to_string()))
    }
}

/// As what the declaration of a layout raises.
impl From<FormatError> for PyErr {
    fn from(error: FormatError) -> Self {
        PyBufferError::new_err(Text::from(format!("cannot grant a view: {error}")))
    }
}

impl From<ForeignBufferError> for PyErr {
    fn from(error: ForeignBufferError) -> Self {
        let text = Text::from(error.to_string());
        match error {
            ForeignBufferError::Misaligned { .. } => PyBufferError::new_err(text),
            ForeignBufferError::Null { .. }
            | ForeignBufferError::TooLong { .. }
            | ForeignBufferError::PastTheEnd { .. } => PyMemoryError::new_err(text),
        }
    }
}
