//! The exception that is pending, and whether the thread is attached.

use pyo3::{Bound, PyAny, PyErr, PyResult, Python, ffi};

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

/// What a function of C's has answered that answers an owned reference, or NULL with an exception set.
///
/// # Safety
///
/// The reference is owned, if it is not NULL.
pub(crate) unsafe fn owned(py: Python<'_>, answer: *mut ffi::PyObject) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: as the caller vouches.
    unsafe { Bound::from_owned_ptr_or_opt(py, answer) }.ok_or_else(|| raised(py))
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

/// Whether this thread is attached. Never attaches, nor waits.
#[cfg(not(any(Py_LIMITED_API, all(miri, not(test)))))]
pub(crate) fn attached<'py>() -> Option<Python<'py>> {
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
pub(crate) fn attached<'py>() -> Option<Python<'py>> {
    None
}
