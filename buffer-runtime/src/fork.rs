//! Whether this process was forked from one that had cells.
//!
//! A fork copies every lock, but only one of the threads. A guard or a view of another thread counts in the child as well,
//! where nobody is left to end it. The locks do not know which thread holds what, so it cannot be taken out of the count:
//! the forking thread may be inside a call that holds a guard, and end it in both processes. All that is left is to say so.

use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// The process in which the first cell was made; 0 before.
static FIRST: AtomicU32 = AtomicU32::new(0);

/// A cell is made.
pub(crate) fn note() {
    // Relaxed, here and below: the number is all there is to see. Threads that come here at once store the same.
    if FIRST.load(Ordering::Relaxed) == 0 {
        FIRST.store(process::id(), Ordering::Relaxed);
    }
}

pub(crate) fn happened() -> bool {
    let first = FIRST.load(Ordering::Relaxed);
    first != 0 && first != process::id()
}
