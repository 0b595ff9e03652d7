//! Whether this process was forked from one that had cells.
//!
//! A fork copies every lock, but only one of the threads. A guard or a view of another thread is counted in the child
//! as well, where no thread can end it. The locks do not record which thread holds which guard or view, so the child
//! cannot subtract it: the forking thread may itself be inside a call that holds a guard, and ends that guard in both
//! processes. So the error message only mentions the fork.

use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// The process in which the first cell was created; 0 before.
static FIRST: AtomicU32 = AtomicU32::new(0);

/// Records that a cell is created.
pub(crate) fn note() {
    // Relaxed, here and below: no other memory depends on this number. Threads that run this at the same time store the
    // same value.
    if FIRST.load(Ordering::Relaxed) == 0 {
        FIRST.store(process::id(), Ordering::Relaxed);
    }
}

pub(crate) fn happened() -> bool {
    let first = FIRST.load(Ordering::Relaxed);
    first != 0 && first != process::id()
}
