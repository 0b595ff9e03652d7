//! Who holds the memory: where in Python each view was taken.
//!
//! While tracing is on, a bit in each cell's lock keeps views off the fast path. The slow path grants a view as always,
//! and then notes the place of the innermost Python frame: its file, line and function, never the frame. The view's
//! `internal` is put in a box (`ticket`), through which the release finds the note (`registry`). So a view that is not
//! traced pays for none of this.
//!
//! A note is taken after the view was granted, so it may call Python. If that fails, for example for lack of memory,
//! the view stays as it is, and counts as untraced.

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

/// The environment variable has not been read yet.
const UNKNOWN: u8 = 0;
const OFF: u8 = 1;
const ON: u8 = 2;
/// Off, but was on before: some cells may still be traced.
const OFF_AGAIN: u8 = 3;

/// Relaxed is enough everywhere: no other memory depends on this number.
static STATE: AtomicU8 = AtomicU8::new(UNKNOWN);

/// Switches tracing on or off. While it is on, each view notes where in Python it was taken. An error about such views
/// then names these places, and [`holders`](crate::ExportCell::holders) lists them:
///
/// ```text
/// cannot resize: 1 writable view is alive, taken at train.py:31 in fit; release or delete every view first
/// ```
///
/// Tracing is off at first, unless the environment variable `BUFFER_TRACE` is set when the first cell is made, and is
/// neither empty nor `0`. Each extension module has its own switch; the variable applies to all of them.
///
/// Cells that are made while tracing is on are traced. A cell that exists already is traced from its next request that
/// takes the slow path: after its length has changed, after an operation was refused, or after `holders` was called.
/// Views that were taken before that are counted as taken "before tracing began".
///
/// A traced view costs about a microsecond and two hundred bytes more. A note consists of texts and numbers: it keeps
/// no frame and no object alive. Each place is stored once, and kept until the process ends. Switching tracing off
/// keeps the notes that were taken.
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
        // A call of `trace` in the meantime takes precedence.
        let _ = STATE.compare_exchange(UNKNOWN, state, Ordering::Relaxed, Ordering::Relaxed);
    }
    is_on()
}

thread_local! {
    /// Whether this thread is taking a note. Python code that runs meanwhile may take views; those are not noted.
    static NOTING: Cell<bool> = const { Cell::new(false) };
}

/// Notes where a view that was just granted was taken. If tracing is off, or the note fails, the view stays as it is.
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
    // A panic here would be a bug in this crate; even then it must not abort the process.
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
    // From now on the cell follows the switch, even if it was made before the last call of `trace`.
    // SAFETY: the view is counted, so it keeps its block alive.
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

/// The `internal` of a view after its note was taken; for tests without Python.
#[cfg(test)]
pub(crate) fn noted(ticket: crate::cell::Ticket, line: u32) -> *mut std::ffi::c_void {
    let unnoted = Unnoted::around(ticket.to_internal(), ticket.block).expect("there is memory");
    let place = (line > 0).then_some(("a.py", line, "f"));
    unnoted.noted(place, Some("main"), ticket.access.into()).expect("there is memory").to_internal()
}
