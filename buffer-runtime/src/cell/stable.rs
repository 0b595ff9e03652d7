//! Stable views: read-only views of memory that nobody changes while they live.
//!
//! A stable view is a read-only view and a read guard at once, so the lock needs no state for it, and the table of the
//! lock says what it excludes. It is granted as an ordinary view beside a read guard of its own. At its end it turns
//! back into that ordinary view. The invariants that are cited are the block's.

use std::ffi::c_void;
use std::ptr::NonNull;

use super::block::Header;
use super::denied::Denied;
use super::grant::{Grant, grant_ordinary};
#[cfg(not(atomic_lock))]
use super::published::Description;
use super::ticket::Ticket;
use crate::error::{Held, ViewError};
use crate::layout::{Descriptor, Evaluated};
use crate::lock::{GuardKind, ViewKind};
use crate::request::{Flags, Refusal};

/// Grants a stable view of a cell, as [`grant`](super::grant()) grants an ordinary one.
///
/// # Safety
///
/// As for [`grant`](super::grant()).
///
/// # Errors
///
/// See [`Denied`].
#[cold]
#[inline(never)]
pub(super) unsafe fn grant_stable<'a, D: Evaluated>(
    block: NonNull<Header>,
    descriptor: &'static Descriptor,
    flags: Flags,
    dims: impl FnOnce() -> Option<D>,
) -> Result<Grant<'a>, Denied> {
    if let Some(refusal) = flags.mistake() {
        return Err(refusal.into());
    }
    // SAFETY: the caller vouches for the owner, which keeps its block alive.
    let header: &'a Header = unsafe { block.as_ref() };
    if !header.kind.stable {
        return Err(Refusal::Unstable.into());
    }
    let lock = &header.lock;
    let begin = || header.begin_unnoted(GuardKind::Read);
    lock.begin_stable(begin).map_err(|blocker| ViewError::Unstable { blocker, held: Held::by(header, blocker) })?;
    // SAFETY: as the caller vouches. Beside the read guard the view is read-only.
    match unsafe { grant_ordinary(block, descriptor, flags.without_stable(), dims) } {
        Ok(grant) => Ok(grant.with_guard()),
        Err(denied) => {
            lock.end_stable();
            Err(denied)
        }
    }
}

/// Grants and hands out a stable view beside no guard, as [`Grant::hand_out`] does. `None` in any other case, and then
/// nothing has changed. `pin` says whether the class pins the memory.
///
/// # Safety
///
/// Attached. [`grant_at_once`](super::grant_at_once) has answered for this block that its layout, which is the one that
/// the class declares, does not grant the request, and no other code has run since. The class may be borrowed.
/// `description` may be written.
#[cfg(not(atomic_lock))]
#[inline(always)]
pub(crate) unsafe fn hand_out_at_once(
    block: NonNull<Header>,
    flags: Flags,
    pin: bool,
    description: *mut Description,
) -> Option<*mut u8> {
    // SAFETY: the class may be borrowed, and its cell keeps the block alive.
    let header = unsafe { block.as_ref() };
    // SAFETY: no guard is alive, and nobody claims a view while this thread is attached (invariant 4).
    let layout = unsafe { header.published() };
    // `is_malformed` finds the only mistakes that the table does not refuse.
    if flags.is_malformed() || !header.kind.stable || !header.pin.is_clear_for(GuardKind::Read) {
        return None;
    }
    let answer = layout.granted.answer(flags.without_stable())?;
    if !header.lock.join_stable_unguarded() {
        return None;
    }
    if pin {
        header.pin.set(ViewKind::ReadOnly);
    }
    // SAFETY: the caller vouches for the room, and the layout is resolved.
    unsafe { layout.describe(description, answer, StableTicket(block).to_internal(), header.kind.indirect) };
    // SAFETY: as above, and it was written.
    unsafe { (*description).readonly = 1 };
    Some(layout.buf())
}

/// What a stable view stores in `Py_buffer.internal`: the address of its block, with another tag than the two of
/// [`Ticket`] and that of [`PartTicket`](super::PartTicket).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct StableTicket(pub(super) NonNull<Header>);

impl StableTicket {
    const TAG: usize = 0b1011;

    pub(super) fn to_internal(self) -> *mut c_void {
        self.0.as_ptr().map_addr(|address| address | Self::TAG).cast()
    }

    /// Reads back the ticket of a stable view, or `None` if `internal` is not one.
    #[inline(always)]
    pub(crate) fn from_internal(internal: *mut c_void) -> Option<Self> {
        Ticket::untagged(internal, Self::TAG).map(Self)
    }

    /// Turns the view into an ordinary one, which the caller releases next.
    ///
    /// # Safety
    ///
    /// Attached. The view is counted, and neither released nor turned before.
    #[inline]
    pub(crate) unsafe fn into_ordinary(self) -> Ticket {
        // SAFETY: the view is counted, so its block lives until the view is released (invariant 1).
        // Only the lock is referenced, whose fields are all atomic (invariant 7).
        unsafe { &(*self.0.as_ptr()).lock }.end_stable();
        Ticket { block: self.0, access: ViewKind::ReadOnly }
    }
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;
    use crate::cell::PartTicket;

    const BASE: usize = 0x7f00_1234_5640;

    #[test]
    fn a_stable_ticket_reads_back_what_was_written_and_is_no_other_ticket() {
        let ticket = StableTicket(NonNull::without_provenance(std::num::NonZero::new(BASE).unwrap()));
        assert_eq!(StableTicket::from_internal(ticket.to_internal()), Some(ticket));
        assert!(Ticket::from_internal(ticket.to_internal()).is_none());
        assert!(PartTicket::from_internal(ticket.to_internal()).is_none());
    }

    #[test]
    fn what_others_keep_is_no_stable_ticket() {
        let others = (0..4096).chain((0..64).filter(|&low| low % 16 != StableTicket::TAG).map(|low| BASE | low));
        for internal in others {
            assert!(StableTicket::from_internal(ptr::without_provenance_mut(internal)).is_none(), "{internal:#x}");
        }
        for access in [ViewKind::Writable, ViewKind::ReadOnly] {
            let block = NonNull::without_provenance(std::num::NonZero::new(BASE).unwrap());
            assert!(StableTicket::from_internal(Ticket { block, access }.to_internal()).is_none(), "{access:?}");
        }
    }
}
