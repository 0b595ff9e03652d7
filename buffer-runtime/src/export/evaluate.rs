//! Evaluates the layout that a class declares, which may run user code, and tries again if the memory has changed
//! meanwhile.

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
use crate::layout::Memory;
use crate::lock::Blocker;
use crate::pending::raised;
use crate::request::Flags;

/// How many times one request evaluates the layout expressions at most, the first time included. They are evaluated
/// again if the numbers do not fit the storage.
const MAX_EVALUATIONS: usize = 8;
/// How many attempts one request makes at most, the first included. Each change of the lock by another thread costs
/// one.
const MAX_TRIES: usize = 1000;
/// How deep layout expressions that view their own objects may nest. Without optimisation, a level uses some kilobytes
/// of stack, and the stack of a thread may have no more than a hundred kilobytes.
const MAX_DEPTH: usize = 15;

/// Why an attempt to grant a view failed.
pub(super) enum Failed {
    /// The cell's lock or layout does not allow the view.
    Denied(Denied),
    /// An exception to raise in Python.
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

/// Calls `attempt` with the declared numbers until it succeeds, or fails in a way that another attempt cannot fix.
///
/// Expressions that run code are evaluated outside any lock, when `attempt` needs the numbers. They are evaluated again
/// if the numbers do not fit because the memory has changed since, or because the evaluation changed it. `memory`
/// returns the size of the memory, if that can be read without a view of it.
///
/// # Errors
///
/// The exception of the evaluation or of `attempt`; `BufferError` if the view is denied.
pub(super) fn evaluating<T: Exporter, R>(
    py: Python<'_>,
    class: &T::Class,
    flags: Flags,
    memory: impl Fn() -> Option<Memory>,
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
            // This thread may stay attached: the thread that grants the first view needs nothing from Python.
            Denied::Unpublished => thread::yield_now(),
            Denied::LayoutNeeded => {
                evaluated_for = memory().or(evaluated_for);
                dims = Some(evaluate::<T>(py, class)?);
                evaluations += 1;
            }
            Denied::Misfit { memory, .. }
                if runs_code && evaluated_for != Some(memory) && evaluations < MAX_EVALUATIONS =>
            {
                evaluated_for = Some(memory);
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

/// One level of nested evaluations. Without a limit, an expression that views its own object would overflow the stack.
struct Level<'py>(PhantomData<Python<'py>>);

thread_local! {
    static DEPTH: StdCell<usize> = const { StdCell::new(0) };
}

impl<'py> Level<'py> {
    fn enter(py: Python<'py>) -> PyResult<Self> {
        // CPython's own limit also counts Python frames, but may allow more levels than fit on a Rust stack.
        if DEPTH.get() == MAX_DEPTH {
            let text =
                "the shape of a buffer keeps asking for views of its own object; compute it without viewing the object";
            return Err(exception::<PyRecursionError>(py, text));
        }
        // SAFETY: attached, as the token proves; the text is static.
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
