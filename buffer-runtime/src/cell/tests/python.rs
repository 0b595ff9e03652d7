//! What cells need from Python: attached threads, and the end of a view.

pub(crate) use self::of_build::attached;
pub(super) use self::of_build::release;

use std::ffi::c_void;

use super::*;
use crate::cell::orphans;

/// What the next attached thread does.
pub(crate) fn drain() {
    // SAFETY: neither an owner nor a view refers to the blocks that the queue passes on.
    orphans::drain(|block| unsafe { Header::give_up(block) });
}

/// With the interpreter of this crate for Miri: views end in the slot.
#[cfg(miri)]
mod of_build {
    use pyo3::ffi;

    use super::*;
    use crate::export::release::releasebuffer;

    pub(crate) fn attached<R>(work: impl FnOnce() -> R) -> R {
        // No object is touched, and the free-threaded lock needs no mutual exclusion.
        if cfg!(atomic_lock) { work() } else { crate::interpreter::attached(|_| work()) }
    }

    /// # Safety
    ///
    /// Attached. The view with this `internal` is counted, and is not used afterwards.
    pub(in super::super) unsafe fn release(internal: *mut c_void) {
        let mut view = ffi::Py_buffer { internal, ..ffi::Py_buffer::new() };
        // SAFETY: as the caller vouches. The object is not used.
        unsafe { releasebuffer(std::ptr::null_mut(), &raw mut view) };
    }
}

/// Without an interpreter, which the slot would need: a mutex is the GIL, and this code does what the slot does.
#[cfg(not(miri))]
mod of_build {
    use std::sync::{Mutex, PoisonError};

    use super::*;
    use crate::trace::TracedView;

    pub(crate) fn attached<R>(work: impl FnOnce() -> R) -> R {
        static GIL: Mutex<()> = Mutex::new(());
        let _gil = (!cfg!(atomic_lock)).then(|| GIL.lock().unwrap_or_else(PoisonError::into_inner));
        work()
    }

    /// # Safety
    ///
    /// Attached. The view with this `internal` is counted, and is not used afterwards.
    pub(in super::super) unsafe fn release(internal: *mut c_void) {
        if let Some(traced) = TracedView::from_internal(internal) {
            // SAFETY: the box belongs to this view, as the caller vouches.
            let inner = unsafe { traced.unwrap() };
            // SAFETY: as the caller vouches.
            return unsafe { release(inner) };
        }
        let ticket = if let Some(part) = PartTicket::from_internal(internal) {
            // SAFETY: the part belongs to this view, as the caller vouches.
            unsafe { PartView::take(part) }.0
        } else if let Some(stable) = StableTicket::from_internal(internal) {
            // SAFETY: as the caller vouches.
            unsafe { stable.into_ordinary() }
        } else {
            Ticket::from_internal(internal).expect("one of the three")
        };
        // SAFETY: as the caller vouches.
        if unsafe { ticket.release() }.is_last() {
            // SAFETY: the lock says that this was the last reference to the block, but for leases.
            unsafe { Header::give_up(ticket.block) };
        }
        drain();
    }
}
