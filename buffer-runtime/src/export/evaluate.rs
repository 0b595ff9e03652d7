//! Evaluating what a class declares, which is the user's code, and trying again where the memory has changed meanwhile.

use std::cell::Cell as StdCell;
use std::marker::PhantomData;
use std::thread;

use pyo3::exceptions::PyRecursionError;
use pyo3::{PyErr, PyResult, Python, ffi};

use super::class::{Exporter, ShapeSource};
use crate::cell::Denied;
use crate::contain::contain;
use crate::error::ViewError;
use crate::exception::exception;
use crate::lock::Blocker;
use crate::pending::raised;
use crate::request::Flags;

/// How often an evaluated layout that no longer fits the storage is evaluated again.
const MAX_EVALUATIONS: usize = 8;
/// How often a lock that other threads keep changing is asked again.
const MAX_TRIES: usize = 1000;
/// How deep layout expressions may nest that view their own objects. A level takes some kilobytes where nothing is
/// optimised, and a thread may have no more than a hundred of them.
const MAX_DEPTH: usize = 15;

/// Why a try to grant a view ended without one.
pub(super) enum Failed {
    /// The cell's lock or layout does not allow it.
    Denied(Denied),
    /// It was raised by Python, or is to be raised there.
    Raised(PyErr),
}

impl From<Denied> for Failed {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<PyErr> for Failed {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

/// Calls `attempt` with the declared numbers until it succeeds, or fails in a way that asking again does not mend.
///
/// The numbers are evaluated when `attempt` needs them, outside any lock; and again where they do not fit because the memory
/// has changed since, or because evaluating them has changed it. `len` answers how much memory there is, where that can be
/// told without holding it.
///
/// # Errors
///
/// What evaluating raises, or `attempt`; `BufferError` where a view is denied.
pub(super) fn evaluating<T: Exporter, R>(
    py: Python<'_>,
    class: &T::Class,
    flags: Flags,
    len: impl Fn() -> Option<usize>,
    mut attempt: impl FnMut(Option<&T::Dims>) -> Result<R, Failed>,
) -> PyResult<R> {
    let runs_code = T::SOURCE == ShapeSource::Code;
    let mut dims = if runs_code { None } else { Some(T::dims(class)?) };
    let mut evaluations = 0;
    let mut evaluated_for = None;
    for _ in 0..MAX_TRIES {
        let denied = match attempt(dims.as_ref()) {
            Ok(granted) => return Ok(granted),
            Err(Failed::Raised(error)) => return Err(error),
            Err(Failed::Denied(denied)) => denied,
        };
        match denied {
            Denied::Changed => {}
            // The thread that is granting the first view needs nothing of Python's to go on.
            Denied::Unpublished => thread::yield_now(),
            Denied::LayoutNeeded => {
                evaluated_for = len().or(evaluated_for);
                dims = Some(evaluate::<T>(py, class)?);
                evaluations += 1;
            }
            Denied::Misfit { len, .. } if runs_code && evaluated_for != Some(len) && evaluations < MAX_EVALUATIONS => {
                evaluated_for = Some(len);
                dims = None;
            }
            Denied::Misfit { error, .. } => return Err(ViewError::Layout(error).into()),
            Denied::Refused(error) => return Err(error.into()),
        }
    }
    Err(ViewError::Blocked { writable: flags.writable(), blocker: Blocker::Publishing }.into())
}

/// Evaluates the declared numbers, outside any lock.
fn evaluate<T: Exporter>(py: Python<'_>, class: &T::Class) -> PyResult<T::Dims> {
    let _level = Level::enter(py)?;
    contain(|| T::dims(class))
}

/// One level of nested evaluations: an expression that views its own object would overflow the stack.
struct Level<'py>(PhantomData<Python<'py>>);

thread_local! {
    static DEPTH: StdCell<usize> = const { StdCell::new(0) };
}

impl<'py> Level<'py> {
    fn enter(py: Python<'py>) -> PyResult<Self> {
        // CPython's own limit counts Python frames as well, but may allow more levels than a Rust stack holds.
        if DEPTH.get() == MAX_DEPTH {
            let text =
                "the shape of a buffer keeps asking for views of its own object; compute it without viewing the object";
            return Err(exception::<PyRecursionError>(py, text));
        }
        // SAFETY: attached, as the token says; the text is static.
        if unsafe { ffi::Py_EnterRecursiveCall(c" while computing the shape of a buffer".as_ptr()) } != 0 {
            return Err(raised(py));
        }
        DEPTH.set(DEPTH.get() + 1);
        Ok(Self(PhantomData))
    }
}

impl Drop for Level<'_> {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
        // SAFETY: attached, and paired with the call in `enter`.
        unsafe { ffi::Py_LeaveRecursiveCall() };
    }
}
