//! Views of parts that have ended. Each is kept for the next view of the same part, which then neither allocates nor
//! resolves anything if its layout is the same.
//!
//! They are kept in a few places for all parts of the process, and not with the part or the whole, because most blocks
//! never have a part and must stay small. Which place is used depends on the address of the part's object. So another
//! part may find what this one has left; a view of a part compares everything before it uses a spare.
//!
//! 1. A place owns the view whose address it has, and no consumer uses it. Whoever exchanges the address for another one
//!    owns that view from then on.

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
    #[inline(always)]
    pub(super) fn take(&self) -> Option<Unmoved> {
        // Acquire pairs with the Release in `keep`: the view was written before.
        let kept = NonNull::new(self.0.swap(ptr::null_mut(), Ordering::Acquire))?;
        // SAFETY: the place owned the view, and has given it up (invariant 1).
        Some(unsafe { Unmoved::from_raw(kept) })
    }

    /// Keeps a view. Frees the one that was kept before.
    #[inline(always)]
    pub(super) fn keep(&self, view: Unmoved) {
        // Release pairs with the Acquire in `take` and here: the view was written before. Acquire, because the other view
        // is freed.
        let before = self.0.swap(view.leave().as_ptr(), Ordering::AcqRel);
        if let Some(before) = NonNull::new(before) {
            // SAFETY: as in `take`.
            free(unsafe { Unmoved::from_raw(before) });
        }
    }
}

#[cold]
#[inline(never)]
fn free(view: Unmoved) {
    drop(view);
}
