//! Evaluates the layout that a class declares, which may run user code, and tries again if the memory has changed
//! meanwhile.

use std::cell::Cell as StdCell;
use std::marker::PhantomData;
#[cfg(not(atomic_lock))]
use std::sync::atomic::{AtomicBool, Ordering};
use std::{ptr, thread};

use pyo3::exceptions::PyRecursionError;
use pyo3::{PyErr, PyResult, Python, ffi};

use super::class::ShapeSource;
use super::table::Reached;
use crate::cell::Denied;
use crate::contain::contain;
use crate::error::{Held, ViewError};
use crate::exception::exception;
use crate::layout::{Evaluated, Memory};
use crate::lock::Blocker;
use crate::pending::raised;
use crate::request::Flags;

/// How many times one request evaluates the layout expressions at most, the first time included. They are evaluated
/// again if the numbers do not fit the storage.
const MAX_EVALUATIONS: usize = 8;
/// How many attempts one request makes at most, the first included. Each change of the lock by another thread costs
/// one.
const MAX_TRIES: usize = 1000;
/// How deep layout expressions that view their own objects may nest. Without optimisation, a level uses ten kilobytes
/// of stack, and the stack of a thread may have no more than a hundred kilobytes.
const MAX_DEPTH: usize = 10;

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

/// An attempt to grant a view, with the declared numbers if they are evaluated.
pub(super) type Attempt<'a> = &'a mut dyn FnMut(Option<&dyn Evaluated>) -> Result<(), Failed>;

/// Numbers that were evaluated before, and for which memory.
pub(super) struct Ready<'a> {
    pub(super) dims: &'a dyn Evaluated,
    pub(super) memory: Option<Memory>,
}

/// Calls `attempt` with the declared numbers until it succeeds, or fails in a way that another attempt cannot fix. The
/// first attempt takes the numbers that are ready, if there are any.
///
/// Expressions that run code are evaluated outside any lock, when `attempt` needs the numbers. They are evaluated again
/// if the numbers do not fit because the memory has changed since, or because the evaluation changed it.
///
/// # Errors
///
/// The exception of the evaluation or of `attempt`; `BufferError` if the view is denied.
pub(super) fn evaluating(
    py: Python<'_>,
    class: Reached<'_>,
    flags: Flags,
    mut ready: Option<Ready<'_>>,
    attempt: Attempt<'_>,
) -> PyResult<()> {
    let runs_code = class.table.source == ShapeSource::Code;
    let mut tries = MAX_TRIES;
    let mut evaluations = 0;
    let mut evaluated_for = None;
    let mut needs_dims = !runs_code;
    loop {
        let result = if let Some(Ready { dims, memory }) = ready.take() {
            evaluations += 1;
            evaluated_for = memory;
            needs_dims = true;
            with_reason(dims, patiently(&mut tries, Some(dims), attempt))
        } else if needs_dims {
            evaluations += 1;
            evaluate(py, class, &mut |dims| patiently(&mut tries, Some(dims), attempt))?
        } else {
            patiently(&mut tries, None, attempt)
        };
        match result {
            Ok(()) => return Ok(()),
            Err(Failed::Raised(error)) => return Err(error),
            Err(Failed::Denied(Denied::LayoutNeeded)) if !needs_dims => {
                evaluated_for = class.memory().or(evaluated_for);
                needs_dims = true;
            }
            Err(Failed::Denied(Denied::Misfit { memory, .. }))
                if runs_code && evaluated_for != Some(memory) && evaluations < MAX_EVALUATIONS =>
            {
                evaluated_for = Some(memory);
                needs_dims = false;
            }
            Err(Failed::Denied(Denied::Misfit { error, .. })) => return Err(ViewError::Layout(error).into()),
            Err(Failed::Denied(Denied::Refused(error))) => return Err(error.into()),
            // Never `Unanswered`, which only the fast path returns.
            Err(Failed::Denied(
                Denied::Changed | Denied::Unpublished | Denied::LayoutNeeded | Denied::Unanswered(_),
            )) => {
                return Err(ViewError::Blocked {
                    writable: flags.writable(),
                    blocker: Blocker::Publishing,
                    held: Held::Unknown,
                }
                .into());
            }
        }
    }
}

/// Attempts again while the lock of the memory changes meanwhile.
fn patiently(tries: &mut usize, dims: Option<&dyn Evaluated>, attempt: Attempt<'_>) -> Result<(), Failed> {
    loop {
        let result = attempt(dims);
        *tries = tries.saturating_sub(1);
        match result {
            Err(Failed::Denied(Denied::Changed)) if *tries > 0 => {}
            // This thread may stay attached: the thread that grants the first view needs nothing from Python.
            Err(Failed::Denied(Denied::Unpublished)) if *tries > 0 => thread::yield_now(),
            result => return result,
        }
    }
}

/// The result of an attempt with these numbers. If the numbers do not fit, the reason may be that their format is
/// refused. A view that joins others needs no numbers, and so no format: it is granted whatever the format is now.
fn with_reason(dims: &dyn Evaluated, result: Result<(), Failed>) -> Result<(), Failed> {
    if let Err(Failed::Denied(Denied::Misfit { .. })) = result {
        dims.check().map_err(|error| Failed::Raised(error.into()))?;
    }
    result
}

/// Evaluates the declared numbers, outside any lock, and calls `with` on them.
fn evaluate(
    py: Python<'_>,
    class: Reached<'_>,
    with: &mut dyn FnMut(&dyn Evaluated) -> Result<(), Failed>,
) -> PyResult<Result<(), Failed>> {
    let runs_code = class.table.source == ShapeSource::Code;
    // A view of a part also requests one of the whole, whose expressions may view the part.
    let nests = runs_code || class.whole().is_some();
    let mut level = if nests { Some(Level::enter(py)?) } else { None };
    let mut result = Ok(());
    let mut call = |dims: &dyn Evaluated| {
        // The evaluation has ended; `with` may evaluate the numbers of another class.
        if runs_code {
            level = None;
        }
        result = with_reason(dims, with(dims));
    };
    contain(|| class.dims(&mut call))?;
    Ok(result)
}

/// One level of nested evaluations. Without a limit, an expression that views its own object would overflow the stack.
///
/// With a GIL, the first level that is alive on any thread is only noted in a static: a variable of the thread would
/// cost more than the rest of the level. Until it ends, the levels of every thread are counted.
pub(super) struct Level<'py> {
    /// The number of this thread's levels that are counted; `None` in a level that is only noted.
    counted: Option<&'static StdCell<usize>>,
    py: PhantomData<Python<'py>>,
}

/// Whether a level is alive that is not counted. Only attached threads access it. If the thread of that level is lost
/// in a fork, all levels are counted from then on.
#[cfg(not(atomic_lock))]
static IS_NOTED: AtomicBool = AtomicBool::new(false);

/// How many levels a thread may have that are not counted.
const NOTED: usize = if cfg!(atomic_lock) { 0 } else { 1 };

thread_local! {
    static DEPTH: StdCell<usize> = const { StdCell::new(0) };
}

impl<'py> Level<'py> {
    /// # Errors
    ///
    /// `RecursionError`.
    #[inline(always)]
    pub(super) fn enter(py: Python<'py>) -> PyResult<Self> {
        match Self::enter_first(py) {
            Some(level) => Ok(level),
            None => Self::count(py),
        }
    }

    /// `None` if it would not be the first level.
    #[inline(always)]
    pub(super) fn enter_first(_: Python<'py>) -> Option<Self> {
        #[cfg(not(atomic_lock))]
        {
            // Relaxed, and no read-modify-write: no other thread is attached.
            if IS_NOTED.load(Ordering::Relaxed) {
                return None;
            }
            IS_NOTED.store(true, Ordering::Relaxed);
            Some(Self { counted: None, py: PhantomData })
        }
        #[cfg(atomic_lock)]
        {
            let depth = depth();
            if depth.get() > 0 {
                return None;
            }
            depth.set(1);
            Some(Self { counted: Some(depth), py: PhantomData })
        }
    }

    /// Counts a level that is not the first.
    #[cold]
    #[inline(never)]
    fn count(py: Python<'py>) -> PyResult<Self> {
        let depth = depth();
        // CPython's own limit also counts Python frames, but may allow more levels than fit on a Rust stack.
        if depth.get() + NOTED >= MAX_DEPTH {
            let text = "the expressions of this buffer's layout request views of their own object, again and again; compute them without viewing it";
            return Err(exception::<PyRecursionError>(py, text));
        }
        // SAFETY: attached, as the token proves; the text is static.
        if unsafe { ffi::Py_EnterRecursiveCall(c" while computing the shape of a buffer".as_ptr()) } != 0 {
            return Err(raised(py));
        }
        depth.set(depth.get() + 1);
        Ok(Self { counted: Some(depth), py: PhantomData })
    }
}

fn depth() -> &'static StdCell<usize> {
    let depth = DEPTH.with(ptr::from_ref);
    // SAFETY: the counter lives as long as the thread, which no level leaves: the token is not `Send`.
    unsafe { &*depth }
}

impl Drop for Level<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        match self.counted {
            // Relaxed as in `enter_first`.
            #[cfg(not(atomic_lock))]
            None => IS_NOTED.store(false, Ordering::Relaxed),
            #[cfg(atomic_lock)]
            None => {}
            Some(depth) => {
                let left = depth.get() - 1;
                depth.set(left);
                if left + NOTED > 0 {
                    // SAFETY: attached, and paired with the call in `count`.
                    unsafe { ffi::Py_LeaveRecursiveCall() };
                }
            }
        }
    }
}
