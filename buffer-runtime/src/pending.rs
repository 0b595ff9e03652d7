//! The pending exception, and whether the thread is attached.

use pyo3::{Bound, PyAny, PyErr, PyResult, Python, ffi};

/// The exception that was set, or none. It is kept because consumers request and release views while one is pending.
///
/// It is not a `PyErr`, because `PyErr::take` resumes the panic of a pending `PanicException`.
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
        // SAFETY: attached, as the token proves. The result is an owned reference or NULL.
        let exception = unsafe { ffi::PyErr_GetRaisedException() };
        #[cfg(not(Py_3_12))]
        let exception = {
            let mut parts = [std::ptr::null_mut(); 3];
            let [kind, value, traceback] = &mut parts;
            // SAFETY: attached, as the token proves. The results are owned references or NULL.
            unsafe { ffi::PyErr_Fetch(kind, value, traceback) };
            parts
        };
        Self { py, exception }
    }

    /// Sets the exception again. It replaces one that is set now.
    pub(crate) fn restore(self) {
        let _ = self.py;
        #[cfg(Py_3_12)]
        // SAFETY: attached; ownership of the reference is transferred.
        unsafe {
            ffi::PyErr_SetRaisedException(self.exception);
        }
        #[cfg(not(Py_3_12))]
        {
            let [kind, value, traceback] = self.exception;
            // SAFETY: attached; ownership of the references is transferred.
            unsafe { ffi::PyErr_Restore(kind, value, traceback) };
        }
        std::mem::forget(self);
    }

    /// Sets the exception again, unless `replaced`: then the exception that is set now stays.
    pub(crate) fn restore_unless(self, replaced: bool) {
        if replaced {
            let own = Self::take(self.py);
            drop(self);
            own.restore();
        } else {
            self.restore();
        }
    }

    /// Converts the exception to an error, if there is one.
    fn into_error(self) -> Option<PyErr> {
        #[cfg(Py_3_12)]
        let value = self.exception;
        #[cfg(not(Py_3_12))]
        let value = {
            let [mut kind, mut value, mut traceback] = self.exception;
            // SAFETY: attached; the references are owned, and so are those that replace them. NULL stays NULL.
            unsafe { ffi::PyErr_NormalizeException(&raw mut kind, &raw mut value, &raw mut traceback) };
            if !traceback.is_null() {
                // SAFETY: attached; with a traceback there is an exception.
                unsafe { ffi::PyException_SetTraceback(value, traceback) };
            }
            // The exception has its own references to both now.
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

/// The exception that a failed call has set, as an error to return. `PyErr::fetch` would resume the panic of a
/// `PanicException`, and print a message about it.
pub(crate) fn raised(py: Python<'_>) -> PyErr {
    Pending::take(py).into_error().unwrap_or_else(|| PyErr::fetch(py))
}

/// Converts the result of a C function that returns an owned reference, or NULL with an exception set.
///
/// # Safety
///
/// The reference is owned, if it is not NULL.
pub(crate) unsafe fn owned(py: Python<'_>, answer: *mut ffi::PyObject) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: as the caller vouches.
    unsafe { Bound::from_owned_ptr_or_opt(py, answer) }.ok_or_else(|| raised(py))
}

impl Drop for Pending<'_> {
    /// Drops the exception, if it was not restored.
    fn drop(&mut self) {
        #[cfg(Py_3_12)]
        let parts = [self.exception];
        #[cfg(not(Py_3_12))]
        let parts = self.exception;
        for part in parts {
            // SAFETY: attached, as the token proves; each part is an owned reference or NULL.
            unsafe { ffi::Py_XDECREF(part) };
        }
    }
}

/// Returns a token if this thread is attached. Never attaches, and never waits.
#[cfg(not(any(Py_LIMITED_API, all(miri, not(test)))))]
pub(crate) fn attached<'py>() -> Option<Python<'py>> {
    // SAFETY: any thread may call this, with or without an interpreter; the result is only compared.
    let current = unsafe { ffi::compat::PyThreadState_GetUnchecked() };
    // Up to 3.11, `current` is the state of the thread that has the GIL, which may be another thread. (A thread that
    // has run another interpreter before counts as detached, because no function reports whether it is attached.)
    // SAFETY: as above, and there is an interpreter.
    let is_ours = || std::ptr::eq(current, unsafe { ffi::PyGILState_GetThisThreadState() });
    // SAFETY: the current thread state is this thread's, so this thread is attached.
    (!current.is_null() && is_ours()).then(|| unsafe { Python::assume_attached() })
}

/// The stable ABI has no function for this. Under Miri there is no Python, except the simulated one of this crate's
/// tests.
#[cfg(any(Py_LIMITED_API, all(miri, not(test))))]
pub(crate) fn attached<'py>() -> Option<Python<'py>> {
    None
}
