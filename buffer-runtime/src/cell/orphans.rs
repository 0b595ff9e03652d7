//! The queue of blocks whose owner was dropped while views were alive, perhaps on a detached thread.
//!
//! With the GIL's lock, only attached threads may change a view count. A thread that drops a cell must not attach to do
//! so: it may hold a lock that an attached thread waits for. So it pushes the block on this queue. The next attached
//! thread that drains the queue marks the block as an orphan, and the last view of an orphan frees it. A push never
//! waits, and `drain` takes the whole queue at once.
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

use super::block::Header;

/// The address of the block that was pushed last, or 0.
static QUEUE: AtomicUsize = AtomicUsize::new(0);

/// Pushes a block whose owner is dropped.
///
/// # Safety
///
/// The block is alive, its owner is dropped, and it is pushed only once.
pub(super) unsafe fn leave(block: NonNull<Header>) {
    // SAFETY: only `drain` marks orphans, and a block that is not marked is not freed by its views.
    let next = unsafe { &block.as_ref().next_orphan };
    let address = block.as_ptr().expose_provenance();
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

/// Marks every queued block as an orphan, and then passes those without views to `free`. Attached.
///
/// `free` may run user code, which may call this function again. All blocks are marked by then, so that a view of
/// another orphan that this code ends frees its block at once. `free` must not unwind.
pub(crate) fn drain(mut free: impl FnMut(NonNull<Header>)) {
    // Acquire pairs with the Release in `leave`.
    let mut waiting = QUEUE.swap(0, Ordering::Acquire);
    let mut unviewed = 0;
    while let Some(block) = block_at(waiting) {
        // SAFETY: a block that is not marked is alive until the next step.
        let header = unsafe { block.as_ref() };
        let address = mem::replace(&mut waiting, header.next_orphan.load(Ordering::Relaxed));
        if header.lock.disown_orphan() {
            header.next_orphan.store(unviewed, Ordering::Relaxed);
            unviewed = address;
        }
    }
    while let Some(block) = block_at(unviewed) {
        // SAFETY: the block has neither views nor an owner, so only this thread can reach it, until it is freed below.
        unviewed = unsafe { block.as_ref() }.next_orphan.load(Ordering::Relaxed);
        free(block);
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
