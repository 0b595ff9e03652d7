//! Views of parts that have ended. Each is kept for the next view of the same part, which then neither allocates nor
//! resolves anything if its layout is the same.
//!
//! They are kept in a few places for all parts of the process, and not with the part or the whole, because most blocks
//! never have a part and must stay small. Which place is used depends on the address of the part's object. So a part
//! may find the spare of another one; a view of a part compares everything before it uses a spare.
//!
//! 1. A place owns the view whose address it has, and no consumer uses it. A thread that replaces the address by
//!    another one owns that view from then on.
//! 2. Only attached threads use a place. With the GIL's lock, no other attached thread can come between a load and a
//!    store.

use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, Ordering};

use super::part_view::{PartView, Unmoved};

/// Room for one view that has ended. Aligned, so that threads with different parts do not share a cache line.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Place(AtomicPtr<PartView>);

/// The number of places, as a power of two.
const BITS: u32 = 3;
static PLACES: [Place; 1 << BITS] = [const { Place(AtomicPtr::new(ptr::null_mut())) }; 1 << BITS];

impl Place {
    /// The place for views of the part at this address.
    #[inline(always)]
    pub(super) fn of(part: usize) -> &'static Self {
        // Fibonacci hashing: the highest bits of the product depend on all bits of the address.
        const FACTOR: usize = usize::MAX / 13 * 8 + 1;
        &PLACES[part.wrapping_mul(FACTOR) >> (usize::BITS - BITS)]
    }

    /// Takes the view that was kept.
    ///
    /// # Safety
    ///
    /// Attached.
    #[inline(always)]
    pub(super) unsafe fn take(&self) -> Option<Unmoved> {
        let kept = NonNull::new(self.replace(ptr::null_mut()))?;
        // SAFETY: the place owned the view, and has given it up (invariant 1).
        Some(unsafe { Unmoved::from_raw(kept) })
    }

    /// Keeps a view, and returns the one that was kept before.
    ///
    /// # Safety
    ///
    /// Attached.
    #[inline(always)]
    #[must_use]
    pub(super) unsafe fn keep(&self, view: Unmoved) -> Option<Unmoved> {
        let before = NonNull::new(self.replace(view.leave().as_ptr()))?;
        // SAFETY: as in `take`.
        Some(unsafe { Unmoved::from_raw(before) })
    }

    #[cfg(atomic_lock)]
    #[inline(always)]
    fn replace(&self, view: *mut PartView) -> *mut PartView {
        // Release and Acquire pair with each other: the thread that takes a view out sees what was written before it
        // was put in.
        self.0.swap(view, Ordering::AcqRel)
    }

    /// The same without a locked instruction, of which a view of a part would need two.
    #[cfg(not(atomic_lock))]
    #[inline(always)]
    fn replace(&self, view: *mut PartView) -> *mut PartView {
        // Relaxed: by invariant 2 the thread that stored it was attached before this one.
        let before = self.0.load(Ordering::Relaxed);
        self.0.store(view, Ordering::Relaxed);
        before
    }
}
