//! The paths that may run user code or raise: through PyO3's own trampolines, so that user code finds PyO3 attached.

use std::cell::Cell as StdCell;
use std::ffi::c_int;
use std::marker::PhantomData;

use pyo3::exceptions::{PyBufferError, PyRecursionError};
use pyo3::impl_::trampoline::{MethodDef, getbufferproc, releasebufferproc};
use pyo3::{PyErr, PyResult, Python, ffi};

use super::class::{Cell, Class, Exporter, ShapeSource, Unreached};
use super::grant::{Tried, try_grant};
#[cfg(not(atomic_lock))]
use crate::cell::orphans;
use crate::cell::{Header, Ticket};
use crate::error::{Blocker, ViewError};
use crate::exception::{Text, contain, raising, report};
use crate::request::Flags;

/// How often an evaluated layout that no longer fits the storage is evaluated again.
pub(super) const MAX_EVALUATIONS: usize = 8;
/// How often a lock that other threads keep changing is asked again.
const MAX_TRIES: usize = 1000;
/// How deep layout expressions may nest that view their own objects. A level takes some kilobytes where nothing is
/// optimised, and a thread may have no more than a hundred of them.
const MAX_DEPTH: usize = 15;

/// `bf_getbuffer` where the fast path gave up.
pub(super) struct ColdGet<T, const PINS: bool>(PhantomData<T>);

impl<T: Exporter<Cell: Cell>, const PINS: bool> MethodDef<getbufferproc::Func> for ColdGet<T, PINS> {
    const METH: getbufferproc::Func = get::<T, PINS>;
}

/// `bf_releasebuffer` of the last view of a block whose owner is gone.
pub(super) struct ColdFree;

impl MethodDef<releasebufferproc::Func> for ColdFree {
    const METH: releasebufferproc::Func = free;
}

/// `bf_releasebuffer` while orphans wait.
#[cfg(not(atomic_lock))]
pub(super) struct ColdDrain;

#[cfg(not(atomic_lock))]
impl MethodDef<releasebufferproc::Func> for ColdDrain {
    const METH: releasebufferproc::Func = drain;
}

/// # Safety
///
/// As for `bf_getbuffer`: `slf` is an object of `T::Class` or of a subclass; `view` is NULL or may be written.
#[expect(clippy::unnecessary_wraps, reason = "the trampoline's signature")]
unsafe fn get<T: Exporter<Cell: Cell>, const PINS: bool>(
    py: Python<'_>,
    slf: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: c_int,
) -> PyResult<c_int> {
    // SAFETY: as the caller vouches, and `class` is the value of the object.
    let get = |class: &T::Class| unsafe { get_from::<T, PINS>(py, class, slf, view, Flags(flags)) }.map(|()| 0);
    // SAFETY: as the caller vouches.
    Ok(unsafe { with_class_of::<T>(py, slf, view, get) })
}

/// Calls `get` on the value of an object, and raises what it answers or what keeps from it. `get` answers a status, as
/// `bf_getbuffer` does.
///
/// # Safety
///
/// As for [`get`].
pub(super) unsafe fn with_class_of<T: Exporter>(
    py: Python<'_>,
    slf: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    get: impl FnOnce(&T::Class) -> PyResult<c_int>,
) -> c_int {
    raising(py, -1, || {
        if view.is_null() {
            let text = "a view was requested into a NULL Py_buffer; pass the address of one";
            return Err(PyBufferError::new_err(Text::from(text)));
        }
        // Whatever comes, a refusal leaves NULL here.
        // SAFETY: a view that is not NULL is the caller's `Py_buffer`, whatever is in it.
        unsafe { (*view).obj = std::ptr::null_mut() };
        drain_orphans(py);
        // SAFETY: the caller vouches for the object.
        unsafe { T::Class::reach(py, slf, get) }.unwrap_or_else(|unreached| Err(unreached.of::<T>()))
    })
}

impl Unreached {
    /// What an object of this class raises.
    fn of<T: Exporter>(self) -> PyErr {
        let class = T::Class::NAME;
        PyBufferError::new_err(Text::from(match self {
            Self::MutablyBorrowed => format!(
                "cannot grant a view: this `{class}` is mutably borrowed; ask when the `&mut self` method that is \
                 running has returned"
            ),
            Self::BoundToThread => format!(
                "cannot grant a view: this `{class}` has an `unsendable` base class; ask on the thread that made it"
            ),
        }))
    }
}

/// # Safety
///
/// As for [`try_grant`].
unsafe fn get_from<T: Exporter<Cell: Cell>, const PINS: bool>(
    py: Python<'_>,
    class: &T::Class,
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: Flags,
) -> PyResult<()> {
    let header = T::cell(class).cell().header();
    let mut dims = match T::SOURCE {
        ShapeSource::Code => None,
        ShapeSource::Storage | ShapeSource::Fields => Some(T::dims(class)?),
    };
    let mut evaluations = 0;
    let mut evaluated_for = header.len();
    for _ in 0..MAX_TRIES {
        // SAFETY: as the caller vouches.
        match unsafe { try_grant::<T, _, PINS>(class, object, view, flags, || dims.as_ref()) } {
            Ok(Tried::Granted) => return Ok(()),
            Ok(Tried::Again) => {}
            // The thread that is granting the first view was interrupted, or gave up. It needs nothing of Python's to go on.
            Err(ViewError::Blocked { blocker: Blocker::Publishing, .. }) => std::thread::yield_now(),
            Ok(Tried::LayoutNeeded) => {
                evaluated_for = header.len();
                dims = Some(evaluate::<T>(py, class)?);
                evaluations += 1;
            }
            // The storage has grown or shrunk since the expression looked at it, or because it did.
            Err(ViewError::Layout(_))
                if T::SOURCE == ShapeSource::Code && header.len() != evaluated_for && evaluations < MAX_EVALUATIONS =>
            {
                dims = None;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(ViewError::Blocked { writable: flags.writable(), blocker: Blocker::Publishing }.into())
}

/// Evaluates the declared extents, which are the user's code, outside any lock.
pub(super) fn evaluate<T: Exporter>(py: Python<'_>, class: &T::Class) -> PyResult<T::Dims> {
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
            return Err(PyRecursionError::new_err(Text::from(text)));
        }
        // SAFETY: attached, as the token says; the text is static.
        if unsafe { ffi::Py_EnterRecursiveCall(c" while computing the shape of a buffer".as_ptr()) } != 0 {
            return Err(PyErr::fetch(py));
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

/// # Safety
///
/// Attached. `view` holds the ticket of a view that the lock has just counted as the last of an owner that is gone.
#[expect(clippy::unnecessary_wraps, reason = "the trampoline's signature")]
unsafe fn free(py: Python<'_>, _slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer) -> PyResult<()> {
    // SAFETY: the caller vouches for the view.
    let internal = unsafe { (*view).internal };
    if let Some(ticket) = Ticket::from_internal(internal.cast()) {
        // SAFETY: the caller vouches that this view was the last to know the block.
        unsafe { destroy(py, ticket.block) };
        drain_orphans(py);
    }
    Ok(())
}

#[cfg(not(atomic_lock))]
#[expect(clippy::unnecessary_wraps, reason = "the trampoline's signature")]
unsafe fn drain(py: Python<'_>, _slf: *mut ffi::PyObject, _view: *mut ffi::Py_buffer) -> PyResult<()> {
    drain_orphans(py);
    Ok(())
}

#[cfg(not(atomic_lock))]
fn drain_orphans(py: Python<'_>) {
    if orphans::are_waiting() {
        // SAFETY: the queue hands over blocks that neither an owner nor a view knows any more.
        orphans::drain(|block| unsafe { destroy(py, block) });
    }
}

#[cfg(atomic_lock)]
fn drain_orphans(_py: Python<'_>) {}

/// Gives a view back that was never handed out.
///
/// # Safety
///
/// The ticket is that of a view that is counted, and is not used afterwards.
pub(super) unsafe fn release(py: Python<'_>, ticket: Ticket) {
    // SAFETY: the view is counted, so its block lives until it is released (invariant 1 of blocks).
    let lock = unsafe { &(*ticket.block.as_ptr()).lock };
    if lock.release(ticket.access).is_last() {
        // SAFETY: the lock says that nobody else knows the block.
        unsafe { destroy(py, ticket.block) };
    }
}

/// Frees a block, reporting what its storage's drop raises, since there is nobody to raise it to.
///
/// # Safety
///
/// As for [`Header::destroy`].
unsafe fn destroy(py: Python<'_>, block: std::ptr::NonNull<Header>) {
    // SAFETY: as the caller vouches.
    report(py, || unsafe { Header::destroy(block) });
}
