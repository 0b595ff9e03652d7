//! `Import`: a view of another exporter's bytes that stays with a storage.
//!
//! Its drop never attaches: on a thread that is not attached, the view is pushed on the queue of orphans
//! (`cell::orphans`), which an attached thread drains.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::{PyErr, PyResult, Python, ffi};

use crate::cell::orphans;
use crate::contain::{report_raised, with_none_pending};
use crate::memory::{NoMemory, boxed};
use crate::pending::{attached, raised};

/// A view that another exporter has granted, and the link by which it may be queued.
///
/// Invariants:
///
/// 1. It is from a `Box`, and does not move: pointers in the view may point into the view itself.
/// 2. No reference to `view` is made, and none to the whole node.
/// 3. It is aligned to 8 bytes or more, so its address does not contain [`Lefts::TAG`].
#[repr(C, align(8))]
struct Node {
    next: AtomicUsize,
    view: ffi::Py_buffer,
}

/// A view of bytes that another exporter has granted, released when dropped, on any thread.
///
/// Invariants:
///
/// 1. The exporter has granted the view, and nobody else releases it. So the bytes of the view stay in place, if the
///    exporter follows the protocol.
pub(crate) struct Import(NonNull<Node>);

// SAFETY: other threads read only the fields of a `Py_buffer`, which nobody writes. The release, which needs an
// attached thread, happens on one.
unsafe impl Send for Import {}
// SAFETY: as above.
unsafe impl Sync for Import {}

impl Import {
    /// Requests a view of the bytes of an object, in one piece. The error is the exporter's, or a `MemoryError`.
    ///
    /// # Safety
    ///
    /// Attached, with an object that is alive.
    pub(crate) unsafe fn request(
        py: Python<'_>,
        object: *mut ffi::PyObject,
        no_memory: impl FnOnce(NoMemory) -> PyErr,
    ) -> PyResult<Self> {
        let node = boxed(Node { next: AtomicUsize::new(0), view: ffi::Py_buffer::new() }).map_err(no_memory)?;
        let node = Box::into_raw(node);
        // SAFETY: the node is alive; this only computes an address in it.
        let view = unsafe { &raw mut (*node).view };
        // SAFETY: attached, with an object that is alive and room for a view.
        if unsafe { ffi::PyObject_GetBuffer(object, view, ffi::PyBUF_SIMPLE) } != 0 {
            // SAFETY: the box is not used afterwards; without a view nothing points into it.
            drop(unsafe { Box::from_raw(node) });
            return Err(raised(py));
        }
        // SAFETY: the pointer of a Box is never null.
        let import = Self(unsafe { NonNull::new_unchecked(node) });
        // The exporter may have granted the view and set an exception, which would appear later in unrelated code.
        if PyErr::occurred(py) { Err(raised(py)) } else { Ok(import) }
    }

    /// The fields that the exporter has filled.
    pub(crate) fn fields(&self) -> ffi::Py_buffer {
        // SAFETY: the node is alive (invariant 1), and the view was granted. Nobody writes it.
        unsafe { (*self.0.as_ptr()).view }
    }

    /// Releases the view now, even where the drop could not tell whether the thread is attached.
    pub(crate) fn release(self, py: Python<'_>) {
        Left(ManuallyDrop::new(self).0).release(py);
    }
}

impl Drop for Import {
    fn drop(&mut self) {
        let left = Left(self.0);
        match attached() {
            Some(py) => left.release(py),
            None => orphans::leave_import(left),
        }
    }
}

/// How many releases may be nested on one thread. A release may drop the exporter, which may have memory of another
/// exporter, and so on: an object that was passed on a million times would exhaust the stack.
const NESTED: usize = 50;

thread_local! {
    /// How many releases are nested on this thread.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// The views that the innermost of [`NESTED`] releases is to release when it has ended, linked by their nodes.
    static LATER: Cell<*mut Node> = const { Cell::new(ptr::null_mut()) };
}

/// The view of an [`Import`] that was dropped, which an attached thread is to release.
pub(crate) struct Left(NonNull<Node>);

impl Left {
    /// Pushes the node on a queue of addresses.
    pub(crate) fn push_with(self, push: impl FnOnce(usize, &AtomicUsize)) {
        let address = self.0.as_ptr().expose_provenance() | Lefts::TAG;
        // SAFETY: the node is alive until an attached thread takes it from the queue; the link is atomic. Another
        // thread may free the node while this reference to the link still exists, which Rust allows for atomics.
        let next = unsafe { &(*self.0.as_ptr()).next };
        push(address, next);
    }

    /// Releases the view, or leaves it to the release that is underway on this thread if that is nested deeply. The
    /// release may run Python code. A pending exception stays pending.
    fn release(self, py: Python<'_>) {
        if DEPTH.get() >= NESTED {
            self.release_later();
            return;
        }
        DEPTH.set(DEPTH.get() + 1);
        self.release_now(py);
        while let Some(node) = NonNull::new(LATER.get()) {
            // SAFETY: the node is alive until it is released below; the link is atomic.
            let next = unsafe { &(*node.as_ptr()).next }.load(Ordering::Relaxed);
            LATER.set(ptr::with_exposed_provenance_mut(next));
            Self(node).release_now(py);
        }
        // Not the number from before: greenlets of one thread may end in another order than they began.
        DEPTH.set(DEPTH.get() - 1);
    }

    /// Leaves the view to the release in which this one is nested.
    fn release_later(self) {
        let node = self.0.as_ptr();
        // SAFETY: the node is alive until it is released; the link is atomic.
        let next = unsafe { &(*node).next };
        next.store(LATER.replace(node).expose_provenance(), Ordering::Relaxed);
    }

    fn release_now(self, py: Python<'_>) {
        let node = self.0.as_ptr();
        let release = || {
            // SAFETY: the node is alive; this only computes an address in it.
            let view = unsafe { &raw mut (*node).view };
            // SAFETY: attached, as the token proves; the view was granted, and is released only here (Import, invariant
            // 1).
            unsafe { ffi::PyBuffer_Release(view) };
            report_raised(py);
        };
        if PyErr::occurred(py) {
            with_none_pending(py, release, |()| false);
        } else {
            release();
        }
        // SAFETY: from a Box (Node, invariant 1); the released view points nowhere, and is not used afterwards.
        drop(unsafe { Box::from_raw(node) });
    }
}

/// The views that a thread has found in the queue.
pub(crate) struct Lefts(*mut Node);

impl Lefts {
    /// Added to the address of a node, to tell it from that of a block.
    const TAG: usize = 1;

    pub(crate) fn new() -> Self {
        Self(ptr::null_mut())
    }

    /// Takes the node at an address in the queue, if it is one of a view. Returns the address that follows in the
    /// queue.
    ///
    /// The address was pushed by [`Left::push_with`] or is that of a block, and this thread has taken it from the
    /// queue.
    pub(crate) fn take(&mut self, address: usize) -> Option<usize> {
        if address & Self::TAG == 0 {
            return None;
        }
        let node = ptr::with_exposed_provenance_mut::<Node>(address & !Self::TAG);
        // SAFETY: a node in the queue is alive, and this thread has taken the queue. Its link is atomic.
        let next = unsafe { &(*node).next };
        let following = next.load(Ordering::Relaxed);
        next.store(self.0.expose_provenance(), Ordering::Relaxed);
        self.0 = node;
        Some(following)
    }

    /// Releases all the views.
    ///
    /// # Safety
    ///
    /// Attached.
    pub(crate) unsafe fn release(mut self) {
        while let Some(node) = NonNull::new(self.0) {
            // SAFETY: the node is alive until it is released below.
            let next = unsafe { &(*node.as_ptr()).next }.load(Ordering::Relaxed);
            self.0 = ptr::with_exposed_provenance_mut(next);
            // SAFETY: the caller vouches for an attached thread.
            Left(node).release(unsafe { Python::assume_attached() });
        }
    }
}
