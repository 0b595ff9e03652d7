//! Makes an allocation of Rust fail.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;

use pyo3::prelude::*;

/// The system's allocator, except that it fails one allocation of a thread on request.
struct Failing;

#[global_allocator]
static ALLOCATOR: Failing = Failing;

thread_local! {
    /// How many allocations succeed before the one that fails. `None` if none is to fail.
    static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
}

fn fails() -> bool {
    let left = LEFT.get();
    LEFT.set(left.and_then(|left| left.checked_sub(1)));
    left == Some(0)
}

// SAFETY: every result is that of the system's allocator, or NULL, which means that there is no memory.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller vouches.
        if fails() { ptr::null_mut() } else { unsafe { System.alloc(layout) } }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller vouches.
        if fails() { ptr::null_mut() } else { unsafe { System.alloc_zeroed(layout) } }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller vouches; if it fails, the old memory stays as it is.
        if fails() { ptr::null_mut() } else { unsafe { System.realloc(memory, layout, size) } }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller vouches.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Makes one of this thread's allocations fail, after `succeeding` that succeed. With `None`, no allocation fails.
#[pyfunction]
#[pyo3(signature = (succeeding=None))]
fn fail_allocation(succeeding: Option<usize>) {
    LEFT.set(succeeding);
}

pub(super) fn add(edges: &Bound<'_, PyModule>) -> PyResult<()> {
    edges.add_function(wrap_pyfunction!(fail_allocation, edges)?)
}
