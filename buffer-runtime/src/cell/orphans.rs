//! The queue of blocks whose owner went while views were alive, perhaps on a detached thread.
//!
//! Under the GIL's lock only attached threads may change a view count, and a thread that drops a cell must not attach to
//! get there: it may hold a lock that an attached thread waits for. So it leaves the block here, and the next attached
//! thread that passes marks it as an orphan, which its last view frees. A push never waits, and the queue is taken as a whole.
//!
//! The last release looks here once, without a fence. An owner that goes in the same instant may be missed; its block is
//! then freed by the next attached thread that passes.
//!
//! The queue is made of addresses, not of pointers. A push reads the address of the first block, links to it, and exchanges it
//! for its own if it is still the first. In between that block may be freed, and another be left at the same address. The
//! exchange then succeeds, and the link is right; but a pointer read before would be one to the block that was freed. So blocks
//! expose their provenance when they are left, and the queue leads to whatever block is at an address when it is drained.

#[cfg(test)]
use std::cell::Cell;
use std::mem;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::block::Header;

/// The address of the block that was left last, or 0.
static QUEUE: AtomicUsize = AtomicUsize::new(0);

/// Leaves a block whose owner is gone.
///
/// # Safety
///
/// The block is alive, its owner is gone, and it is left here once.
pub(super) unsafe fn leave(block: NonNull<Header>) {
    // SAFETY: a block without the mark of an orphan, which only `drain` sets, is not freed by its views.
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

/// Whether somebody should drain.
#[inline(always)]
pub(crate) fn are_waiting() -> bool {
    QUEUE.load(Ordering::Relaxed) != 0
}

/// Marks every block that waits as an orphan, and hands those that no view holds to `free`. Attached.
///
/// `free` may run user code, which may come here again. By then all blocks are marked, so that views of others which it
/// ends free those at once. It must not unwind.
pub(crate) fn drain(mut free: impl FnMut(NonNull<Header>)) {
    // Acquire pairs with the Release in `leave`.
    let mut waiting = QUEUE.swap(0, Ordering::Acquire);
    let mut unviewed = 0;
    while let Some(block) = block_at(waiting) {
        // SAFETY: without the mark the block is alive until the next step.
        let header = unsafe { block.as_ref() };
        let address = mem::replace(&mut waiting, header.next_orphan.load(Ordering::Relaxed));
        if header.lock.disown_orphan() {
            header.next_orphan.store(unviewed, Ordering::Relaxed);
            unviewed = address;
        }
    }
    while let Some(block) = block_at(unviewed) {
        // SAFETY: with neither views nor an owner the block is in our hands alone, until it is freed below.
        unviewed = unsafe { block.as_ref() }.next_orphan.load(Ordering::Relaxed);
        free(block);
    }
}

#[cfg(test)]
thread_local! {
    /// What a test does in the middle of its thread's next push.
    pub(super) static MEANWHILE: Cell<Option<Box<dyn FnOnce()>>> = const { Cell::new(None) };
}

#[cfg(test)]
fn before_the_exchange() {
    if let Some(meanwhile) = MEANWHILE.take() {
        meanwhile();
    }
}
