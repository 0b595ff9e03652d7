//! The queue of blocks that an attached thread is to free, because their last owner may have been on a detached one.
//!
//! Two kinds of block are in it, and with the feature `pickle` also views of other exporters whose imported memory was
//! dropped (`storage::import`):
//!
//! - With the GIL's lock, only attached threads may change a view count. A thread that drops a cell with views must not
//!   attach to do so: it may hold a lock that an attached thread waits for. So it pushes the block on this queue. The
//!   next attached thread that drains the queue marks the block as an orphan, and the last view of an orphan frees it.
//! - With both locks, a lease that ends last pushes its block, if dropping the storage runs user code. A lease must not
//!   run any.
//!
//! A push never waits, and `drain` takes the whole queue at once. A block is pushed with a hold: that of its owner and
//! its views. If a lease ended last, its own hold takes the place of that one.
//!
//! The release of a block's last view reads the queue once, without a fence. It may miss an owner that is dropped at
//! the same moment; the next attached thread that drains the queue then frees that block.
//!
//! The queue consists of addresses, not of pointers. A push reads the address of the first block, links to it, and then
//! exchanges it for its own block's address if it is still the first. Between the read and the exchange, that first
//! block may be freed, and another block at the same address may be pushed. The exchange then succeeds, and the link is
//! correct. But a pointer that was read before would still have the provenance of the freed block. So a push exposes
//! the provenance of its block, and `drain` makes a pointer to the block that is at an address at that time.

#[cfg(test)]
use std::cell::Cell;
use std::mem;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::Python;

use super::block::Header;
use crate::contain::{report, with_none_pending};
use crate::pending::attached;
#[cfg(feature = "pickle")]
use crate::storage::Left;

/// The address of the block that was pushed last, or 0.
static QUEUE: AtomicUsize = AtomicUsize::new(0);

/// Pushes a block whose owner is dropped.
///
/// # Safety
///
/// The block is alive, its owner is dropped, and it is not in the queue. The hold of its owner and its views is passed
/// on to the queue.
pub(super) unsafe fn leave(block: NonNull<Header>) {
    // SAFETY: only `drain` marks orphans, and a block that is not marked is not freed by its views. A block without
    // views is freed by the thread that takes it from the queue.
    let header = unsafe { block.as_ref() };
    // SAFETY: the caller vouches for the owner.
    let next = unsafe { header.next_orphan() };
    push(block.as_ptr().expose_provenance(), next);
}

/// Pushes the view of dropped imported memory, so that an attached thread releases it. Never waits.
#[cfg(feature = "pickle")]
pub(crate) fn leave_import(left: Left) {
    left.push_with(push);
}

/// Pushes an address, and links it by `next` to the one that was pushed before. The address is exposed.
fn push(address: usize, next: &AtomicUsize) {
    let mut first = QUEUE.load(Ordering::Relaxed);
    loop {
        next.store(first, Ordering::Relaxed);
        #[cfg(test)]
        before_the_exchange();
        // Release pairs with the Acquire in `drain`: the link and the owner's last writes are visible there.
        match QUEUE.compare_exchange_weak(first, address, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => first = now,
        }
    }
}

/// The block at an address in the queue.
fn block_at(address: usize) -> Option<NonNull<Header>> {
    NonNull::new(ptr::with_exposed_provenance_mut(address))
}

/// Whether the queue has blocks to drain.
#[inline(always)]
pub(crate) fn are_waiting() -> bool {
    QUEUE.load(Ordering::Relaxed) != 0
}

/// Marks a block from the queue as an orphan. Attached. Returns whether it has no views.
#[cfg(not(atomic_lock))]
fn mark(header: &Header) -> bool {
    header.lock.disown_orphan()
}

/// Without a GIL the last view frees the block of a dropped owner: only leases push blocks, after the last view.
#[cfg(atomic_lock)]
fn mark(_header: &Header) -> bool {
    true
}

/// Marks every queued block as an orphan, and then passes those without views to `free`. Attached.
///
/// `free` gives up the hold of the owner and the views (`Header::give_up`). It may run user code, which may call this
/// function again. All blocks are marked by then, so that a view of another orphan that this code ends frees its block
/// at once. `free` must not unwind.
pub(crate) fn drain(mut free: impl FnMut(NonNull<Header>)) {
    // Acquire pairs with the Release in `push`.
    let mut waiting = QUEUE.swap(0, Ordering::Acquire);
    let mut unviewed = 0;
    #[cfg(feature = "pickle")]
    let mut imports = crate::storage::Lefts::new();
    while waiting != 0 {
        #[cfg(feature = "pickle")]
        if let Some(next) = imports.take(waiting) {
            waiting = next;
            continue;
        }
        let Some(block) = block_at(waiting) else { break };
        // SAFETY: the queue has the hold of the owner and the views, which is given up after the next step.
        let header = unsafe { block.as_ref() };
        // SAFETY: blocks in the queue have no owner.
        let next = unsafe { header.next_orphan() };
        let address = mem::replace(&mut waiting, next.load(Ordering::Relaxed));
        if mark(header) {
            next.store(unviewed, Ordering::Relaxed);
            unviewed = address;
        }
    }
    while let Some(block) = block_at(unviewed) {
        // SAFETY: the block has neither views nor an owner, so this thread has their hold, until it is given up below.
        let header = unsafe { block.as_ref() };
        // SAFETY: as above.
        unviewed = unsafe { header.next_orphan() }.load(Ordering::Relaxed);
        free(block);
    }
    // SAFETY: attached, as the caller is.
    #[cfg(feature = "pickle")]
    unsafe {
        imports.release();
    };
}

/// Frees what waits in the queue, and reports what the storages' drops raise: no caller could handle the exceptions.
pub(crate) fn free_waiting(py: Python<'_>) {
    if are_waiting() {
        // SAFETY: `drain` passes blocks that neither an owner nor a view refers to.
        drain(|block| report(py, || unsafe { Header::give_up(block) }));
    }
}

/// The same on a thread that may be detached, where nothing changes. An exception may be pending.
///
/// Not inlined into the drop of a cell, which is generic: if users' crates referred to the queue, every release of a
/// view would read its address first.
#[inline(never)]
pub(super) fn free_waiting_if_attached() {
    if are_waiting()
        && let Some(py) = attached()
    {
        with_none_pending(py, || free_waiting(py), |()| false);
    }
}

#[cfg(test)]
thread_local! {
    /// Code that a test runs in the middle of its thread's next push.
    pub(super) static MEANWHILE: Cell<Option<Box<dyn FnOnce()>>> = const { Cell::new(None) };
}

#[cfg(test)]
fn before_the_exchange() {
    if let Some(meanwhile) = MEANWHILE.take() {
        meanwhile();
    }
}
