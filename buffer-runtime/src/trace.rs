//! Who holds the memory: where in Python each view was taken.
//!
//! While tracing is on, the cells' locks have a bit that keeps views off the fast path. The slow path grants a view as
//! always, and then notes the place of the innermost Python frame: its file, line and function, never the frame. The
//! view gets a box around its `internal` (`ticket`), by which its release finds the note (`registry`). So a view that
//! is not traced does not pay for any of this.
//!
//! A note is taken after the view was granted, so it may call Python. If it fails, for example without memory, the view
//! stays as it is, and counts as one that is not traced.

mod holder;
mod place;
mod registry;
mod taken;
mod thread;
mod ticket;

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU8, Ordering};

use pyo3::{Python, ffi};

pub(crate) use self::holder::holders;
pub use self::holder::{Holder, Holding};
pub(crate) use self::taken::{InTheWay, Taken, taken};
pub(crate) use self::ticket::TracedView;

use self::place::Seen;
use self::ticket::Unnoted;
use crate::cell::counted;
use crate::contain::with_none_pending;

/// The environment was not read yet.
const UNKNOWN: u8 = 0;
const OFF: u8 = 1;
const ON: u8 = 2;
/// Some cells may still be traced.
const OFF_AGAIN: u8 = 3;

/// Relaxed is enough everywhere: nothing is read because of this number.
static STATE: AtomicU8 = AtomicU8::new(UNKNOWN);

/// Switches tracing on or off. While it is on, each view notes where in Python it was taken. Errors about views that
/// are in the way then name these places, and [`holders`](crate::ExportCell::holders) lists them:
///
/// ```text
/// cannot resize: 1 writable view is alive, taken at train.py:31 in fit; release or delete every view first
/// ```
///
/// It is off at first, unless the environment variable `BUFFER_TRACE` is set when the first cell is made, and is
/// neither empty nor `0`. Each extension module has its own switch; the variable is for all of them.
///
/// Views of cells that are made later are traced. A cell that exists already is traced from the next request that is
/// not answered at once: after its length has changed, after something was refused, or after `holders` was called.
/// Views that were taken before that are counted as taken "before tracing began".
///
/// A traced view costs about a microsecond and two hundred bytes more. A note consists of texts and numbers: it keeps
/// no frame and no object alive. The places are kept until the process ends, each one once. What was noted stays noted
/// when tracing is switched off.
pub fn trace(on: bool) {
    let state = match (on, may_be_traced()) {
        (true, _) => ON,
        (false, true) => OFF_AGAIN,
        (false, false) => OFF,
    };
    STATE.store(state, Ordering::Relaxed);
}

#[inline]
pub(crate) fn is_on() -> bool {
    STATE.load(Ordering::Relaxed) == ON
}

/// Whether there may be cells whose views are traced.
#[inline]
pub(crate) fn may_be_traced() -> bool {
    STATE.load(Ordering::Relaxed) >= ON
}

/// Whether views of a new cell are traced. Reads the environment at the first call.
#[inline]
pub(crate) fn is_on_for_new_cells() -> bool {
    match STATE.load(Ordering::Relaxed) {
        OFF => false,
        _ => is_on_after_reading(),
    }
}

#[cold]
#[inline(never)]
fn is_on_after_reading() -> bool {
    if STATE.load(Ordering::Relaxed) == UNKNOWN {
        let asked = std::env::var_os("BUFFER_TRACE").is_some_and(|value| !value.is_empty() && value != "0");
        let state = if asked { ON } else { OFF };
        // Only if `trace` was not called meanwhile.
        let _ = STATE.compare_exchange(UNKNOWN, state, Ordering::Relaxed, Ordering::Relaxed);
    }
    is_on()
}

thread_local! {
    /// Whether this thread is taking a note. Code that it calls may take views, which are not noted.
    static NOTING: Cell<bool> = const { Cell::new(false) };
}

/// Notes where a view is taken that was just granted. Without tracing, or if that fails, the view stays as it is.
///
/// # Safety
///
/// Attached. The view was granted by a slot of this crate, and nobody else has it yet.
#[cold]
#[inline(never)]
pub(crate) unsafe fn note(py: Python<'_>, view: *mut ffi::Py_buffer) {
    if NOTING.replace(true) {
        return;
    }
    // A panic would be a mistake of this crate, and must not abort the process all the same.
    // SAFETY: as the caller vouches.
    let _ = panic::catch_unwind(AssertUnwindSafe(|| unsafe { note_view(py, view) }));
    NOTING.set(false);
}

/// # Safety
///
/// As for [`note`].
unsafe fn note_view(py: Python<'_>, view: *mut ffi::Py_buffer) {
    // SAFETY: the caller vouches for the view, which was written.
    let inner = unsafe { (*view).internal };
    // SAFETY: the caller vouches that the view is granted, and so counted.
    let Some((block, holding)) = (unsafe { counted(inner) }) else { return };
    // So are the next ones, even if the cell is older than the tracing. Or no longer.
    // SAFETY: the view is counted, and keeps its block alive.
    unsafe { block.as_ref() }.lock.trace(is_on());
    if !is_on() {
        return;
    }
    let Ok(unnoted) = Unnoted::around(inner, block) else { return };
    let (place, thread) = with_none_pending(py, || (place::seen(py), thread::name(py)), |_| false);
    if let Some(traced) = unnoted.noted(place.as_ref().map(Seen::texts), thread.as_deref(), holding) {
        // SAFETY: the caller vouches for the view.
        unsafe { (*view).internal = traced.to_internal() };
    }
}

/// The `internal` of a view, after its note was taken; for tests without Python.
#[cfg(test)]
pub(crate) fn noted(ticket: crate::cell::Ticket, line: u32) -> *mut std::ffi::c_void {
    let unnoted = Unnoted::around(ticket.to_internal(), ticket.block).expect("there is memory");
    let place = (line > 0).then_some(("a.py", line, "f"));
    unnoted.noted(place, Some("main"), ticket.access.into()).expect("there is memory").to_internal()
}
