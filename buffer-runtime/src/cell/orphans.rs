//! The queue of blocks whose owner went while views were alive, perhaps on a detached thread.
//!
//! Under the GIL's lock only attached threads may change a view count, and a thread that drops a cell must not attach to
//! get there: it may hold a lock that an attached thread waits for. So it leaves the block here, and the next attached
//! thread that passes marks it as an orphan, which its last view frees. A push never waits, and the queue is taken as a whole.
//!
//! The last release looks here once, without a fence. An owner that goes in the same instant may be missed; its block is
//! then freed by the next attached thread that passes.

use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, Ordering};

use super::block::Header;

static QUEUE: AtomicPtr<Header> = AtomicPtr::new(ptr::null_mut());

/// Leaves a block whose owner is gone.
///
/// # Safety
///
/// The block is alive, its owner is gone, and it is left here once.
pub(super) unsafe fn leave(block: NonNull<Header>) {
    // SAFETY: a block without the mark of an orphan, which only `drain` sets, is not freed by its views.
    let next = unsafe { &block.as_ref().next_orphan };
    let mut first = QUEUE.load(Ordering::Relaxed);
    loop {
        next.store(first, Ordering::Relaxed);
        // Release pairs with the Acquire in `drain`: the link and the owner's last writes are visible there.
        match QUEUE.compare_exchange_weak(first, block.as_ptr(), Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => first = now,
        }
    }
}

/// Whether somebody should drain.
#[inline(always)]
pub(crate) fn are_waiting() -> bool {
    !QUEUE.load(Ordering::Relaxed).is_null()
}

/// Marks every block that waits as an orphan, and hands those that no view holds to `free`. Attached.
///
/// `free` may run user code, which may come here again. By then all blocks are marked, so that views of others which it
/// ends free those at once. It must not unwind.
pub(crate) fn drain(mut free: impl FnMut(NonNull<Header>)) {
    // Acquire pairs with the Release in `leave`.
    let mut waiting = QUEUE.swap(ptr::null_mut(), Ordering::Acquire);
    let mut unviewed = ptr::null_mut();
    while let Some(block) = NonNull::new(waiting) {
        // SAFETY: without the mark the block is alive until the next step.
        let header = unsafe { block.as_ref() };
        waiting = header.next_orphan.load(Ordering::Relaxed);
        if header.lock.disown_orphan() {
            header.next_orphan.store(unviewed, Ordering::Relaxed);
            unviewed = block.as_ptr();
        }
    }
    while let Some(block) = NonNull::new(unviewed) {
        // SAFETY: with neither views nor an owner the block is in our hands alone, until it is freed below.
        unviewed = unsafe { block.as_ref() }.next_orphan.load(Ordering::Relaxed);
        free(block);
    }
}
