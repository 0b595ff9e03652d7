//! What stands in for the block of a cell that was never constructed.
//!
//! If the construction of an object of a Python subclass runs out of memory, CPython deallocates the object as it is,
//! all zeros (3.11 and 3.12 do, when there is no memory for its `__dict__`). The `__del__` of the subclass runs before
//! that, and may use the object like any other: the cell in it is a closed one.

use std::ptr::NonNull;
use std::sync::OnceLock;

use super::block::Header;

/// The header of a closed block without a storage.
#[repr(align(16))]
struct StandIn(Header);

const _: () = assert!(align_of::<StandIn>() >= Header::ALIGN);

// SAFETY: the fields of a header are atomic, or never change, except the layout. That is written only by a first view
// or a write guard, or in the queue of orphans (block invariant 4). In the closed lock no view and no guard begins, and
// no cell owns this block, so it is never in the queue.
unsafe impl Send for StandIn {}
// SAFETY: as above.
unsafe impl Sync for StandIn {}

static STAND_IN: OnceLock<StandIn> = OnceLock::new();

/// The header of the stand-in. Only the header exists, and nothing may be read that follows one.
#[cold]
#[inline(never)]
pub(super) fn header() -> NonNull<Header> {
    NonNull::from(&STAND_IN.get_or_init(|| StandIn(Header::of_no_block())).0)
}
