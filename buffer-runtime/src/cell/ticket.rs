//! What a view stores in `Py_buffer.internal`.

use std::ffi::c_void;
use std::ptr::NonNull;

use super::block::Header;
use crate::lock::{Released, ViewKind};

/// A block's address, with a tag and the view's access in its low bits.
///
/// CPython can pass to our release a `Py_buffer` that another exporter filled. Its `internal` is NULL, a small number,
/// or some pointer of that exporter. Allocators align to 16 bytes, and other code that tags such pointers uses the
/// lowest bits first. So our tag is in the lowest bit and the two highest of four: a pointer to the start of an
/// allocation is no ticket, whatever is in its lowest three bits. The other bit is the access. It is set if the view may
/// write, as most views may: then all low bits are set, and one comparison finds that (see `of_access`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) block: NonNull<Header>,
    pub(crate) access: ViewKind,
}

impl Ticket {
    pub(super) const LOW_BITS: usize = Header::ALIGN - 1;
    const WRITABLE: usize = 0b0010;
    const TAG: usize = 0b1101;
    /// No allocation is below this address.
    const LOWEST: usize = 4096;

    #[inline(always)]
    const fn tag(access: ViewKind) -> usize {
        match access {
            ViewKind::Writable => Self::TAG | Self::WRITABLE,
            ViewKind::ReadOnly => Self::TAG,
        }
    }

    #[inline(always)]
    pub(crate) fn to_internal(self) -> *mut c_void {
        self.block.as_ptr().map_addr(|address| address + Self::tag(self.access)).cast()
    }

    /// Reads back the ticket of a view, or `None` if `internal` is not one of ours.
    #[inline(always)]
    pub(crate) fn from_internal(internal: *mut c_void) -> Option<Self> {
        Self::of_access(internal, ViewKind::Writable).or_else(|| Self::of_access(internal, ViewKind::ReadOnly))
    }

    /// Reads back the ticket of a view with this access, or `None` if `internal` is not one of ours. If the access is a
    /// constant, the release of the view is a few instructions.
    #[inline(always)]
    pub(crate) fn of_access(internal: *mut c_void, access: ViewKind) -> Option<Self> {
        let block = Self::untagged(internal, Self::tag(access))?;
        Some(Self { block, access })
    }

    /// The pointer to which this tag was added, or `None` if it is another tag or no allocation's address. The tag is a
    /// constant.
    #[inline(always)]
    pub(super) fn untagged<T>(internal: *mut c_void, tag: usize) -> Option<NonNull<T>> {
        const COUNT: u32 = Ticket::LOW_BITS.count_ones();
        // The same bits with the lowest ones on top. The tag is right and the address is not too low if they are in
        // this range, which has no end if all low bits are set.
        let rotated = internal.addr().rotate_right(COUNT);
        let first = tag.rotate_right(COUNT) | Self::LOWEST >> COUNT;
        if rotated < first || tag < Self::LOW_BITS && rotated >= (tag + 1).rotate_right(COUNT) {
            return None;
        }
        // SAFETY: the address without the tag is at least `LOWEST`.
        Some(unsafe { NonNull::new_unchecked(internal.wrapping_byte_sub(tag).cast()) })
    }

    /// Reads back the ticket of a view that one of our slots has granted, or `None` if such a view has none.
    #[inline(always)]
    pub(crate) fn from_own(internal: *mut c_void) -> Option<Self> {
        if internal.addr() & Self::LOW_BITS & !Self::WRITABLE != Self::TAG {
            return None;
        }
        let access = if internal.addr() & Self::WRITABLE == 0 { ViewKind::ReadOnly } else { ViewKind::Writable };
        let block = NonNull::new(internal.map_addr(|address| address & !Self::LOW_BITS).cast())?;
        Some(Self { block, access })
    }

    /// Ends the view. If nothing is left, the caller gives the block up ([`Header::give_up`]). Otherwise the block may
    /// be freed before this returns.
    ///
    /// # Safety
    ///
    /// Attached. The view is counted, and is not released again.
    #[inline(always)]
    pub(crate) unsafe fn release(self) -> Released {
        // SAFETY: the view is counted, so its block lives until the view is released (invariant 1). Only the lock is
        // referenced, whose fields are all atomic (invariant 7).
        let lock = unsafe { &(*self.block.as_ptr()).lock };
        lock.release(self.access)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_reads_back_what_was_written() {
        for access in [ViewKind::Writable, ViewKind::ReadOnly] {
            let block = NonNull::without_provenance(std::num::NonZero::new(0x7f00_1234_5640).unwrap());
            let ticket = Ticket::from_internal(Ticket { block, access }.to_internal()).unwrap();
            assert_eq!((ticket.block, ticket.access), (block, access));
            assert_eq!(Ticket::from_own(ticket.to_internal()), Some(ticket));
            for asked in [ViewKind::Writable, ViewKind::ReadOnly] {
                let found = Ticket::of_access(ticket.to_internal(), asked);
                assert_eq!(found, (asked == access).then_some(ticket));
            }
        }
    }

    #[test]
    fn what_others_keep_is_no_ticket() {
        let base = 0x7f00_1234_5640_usize;
        let ours = [Ticket::TAG, Ticket::TAG | Ticket::WRITABLE];
        let is_ours = |internal| Ticket::from_internal(std::ptr::without_provenance_mut(internal)).is_some();
        for low in (0..64).filter(|low| !ours.contains(&(low % 16))) {
            assert!(!is_ours(base | low), "{low:#b}");
        }
        for allocation in (0..0x1000).map(|index| base + 16 * index) {
            assert!((0..8).all(|tag| !is_ours(allocation | tag)), "{allocation:#x}");
        }
        for small in 0..4096 {
            assert!(!is_ours(small), "{small}");
        }
    }
}
