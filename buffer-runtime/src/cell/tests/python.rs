//! What cells need of Python: threads that are attached, and the end of a view.

pub(super) use self::of_build::{attached, release};

use std::ffi::c_void;

use super::*;

/// What an attached thread does that passes.
#[cfg(not(atomic_lock))]
pub(super) fn drain() {
    // SAFETY: the queue hands over blocks that nobody knows any more.
    crate::cell::orphans::drain(|block| unsafe { Header::destroy(block) });
}

#[cfg(atomic_lock)]
pub(super) fn drain() {}

/// With the interpreter that Miri has: views end in the slot.
#[cfg(miri)]
mod of_build {
    use pyo3::ffi;

    use super::*;
    use crate::export::release::releasebuffer;

    pub(in super::super) fn attached<R>(work: impl FnOnce() -> R) -> R {
        // Nothing is done to objects, and the free-threaded lock needs nobody to be excluded.
        if cfg!(atomic_lock) { work() } else { crate::interpreter::attached(|_| work()) }
    }

    /// # Safety
    ///
    /// Attached. The view that keeps `internal` is counted, and is not used afterwards.
    pub(in super::super) unsafe fn release(internal: *mut c_void) {
        let mut view = ffi::Py_buffer { internal, ..ffi::Py_buffer::new() };
        // SAFETY: as the caller vouches. Nothing is asked of the object.
        unsafe { releasebuffer(std::ptr::null_mut(), &raw mut view) };
    }
}

/// Without an interpreter, which the slot asks for: a mutex is the GIL, and views do what the slot does.
#[cfg(not(miri))]
mod of_build {
    use std::sync::{Mutex, PoisonError};

    use super::*;

    pub(in super::super) fn attached<R>(work: impl FnOnce() -> R) -> R {
        static GIL: Mutex<()> = Mutex::new(());
        let _gil = (!cfg!(atomic_lock)).then(|| GIL.lock().unwrap_or_else(PoisonError::into_inner));
        work()
    }

    /// # Safety
    ///
    /// Attached. The view that keeps `internal` is counted, and is not used afterwards.
    pub(in super::super) unsafe fn release(internal: *mut c_void) {
        let ticket = Ticket::from_internal(internal).unwrap_or_else(|| {
            let part = PartTicket::from_internal(internal).expect("one of the two");
            // SAFETY: it was left to this view, as the caller vouches.
            unsafe { PartView::take(part) }
        });
        // SAFETY: as the caller vouches.
        if unsafe { ticket.release() }.is_last() {
            // SAFETY: the lock says that this was the last to know the block.
            unsafe { Header::destroy(ticket.block) };
        }
        drain();
    }
}
