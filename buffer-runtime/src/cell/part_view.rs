//! The data of a view of a part of a cell: a view of the cell, and the part's own layout.
//!
//! Views of a whole cell share one layout. Each view of a part has its own, from the request to the release. It counts
//! as one view of the cell, so the lock, its messages and its limits are the same for all views.

use std::ffi::{c_int, c_void};
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::{self, NonNull};

use super::block::Header;
use super::grant::{Denied, Grant};
use super::published::{Description, Published};
use super::stable::StableTicket;
use super::ticket::Ticket;
use crate::error::{Held, ViewError};
use crate::layout::{Declaration, Descriptor, Memory};
use crate::memory::{NoMemory, boxed};
use crate::request::{self, Answer, Flags};
use crate::trace::Holding;

/// The data of one view of a part. Aligned, so that the low bits of its address have room for a tag.
#[repr(align(16))]
pub(crate) struct PartView {
    /// What the view of the cell would store in `Py_buffer.internal`.
    whole: *mut c_void,
    /// The layout of the part.
    layout: Published,
}

impl PartView {
    /// Frees the data of a view of a part, and returns the `internal` of its view of the cell. The caller releases that
    /// view.
    ///
    /// # Safety
    ///
    /// `part` is from the `internal` of a view of a part that is being released, and is not used afterwards.
    pub(crate) unsafe fn take(part: PartTicket) -> *mut c_void {
        // SAFETY: the caller vouches that a view owns the data, and that it is freed once.
        let part = unsafe { Box::from_raw(part.0.as_ptr()) };
        part.whole
    }

    /// The `internal` of its view of the cell.
    ///
    /// # Safety
    ///
    /// `part` is from the `internal` of a view of a part that is counted.
    unsafe fn whole(part: PartTicket) -> *mut c_void {
        // SAFETY: the caller vouches that a view owns the data.
        unsafe { (*part.0.as_ptr()).whole }
    }
}

/// The block of the cell that a view holds, which may be a view of a part, and how it holds it. `None` if `internal` is not
/// that of a view.
///
/// # Safety
///
/// The view was granted by a slot of this crate, and is not released yet.
pub(crate) unsafe fn counted(internal: *mut c_void) -> Option<(NonNull<Header>, Holding)> {
    let whole = match PartTicket::from_internal(internal) {
        // SAFETY: as the caller vouches.
        Some(part) => unsafe { PartView::whole(part) },
        None => internal,
    };
    let ordinary = Ticket::from_internal(whole).map(|ticket| (ticket.block, ticket.access.into()));
    ordinary.or_else(|| StableTicket::from_internal(whole).map(|stable| (stable.0, Holding::StableView)))
}

/// A granted view of a part, counted as a view of the whole. Dropping it releases the view.
pub(crate) struct PartGrant<'a> {
    whole: Grant<'a>,
    part: Unmoved,
    answer: Answer,
    declared_readonly: bool,
}

/// Owns a [`PartView`] by a pointer, because a layout must not move: to move a `Box` makes other pointers into it
/// invalid.
struct Unmoved(NonNull<PartView>);

impl Unmoved {
    fn new(part: PartView) -> Result<Self, NoMemory> {
        // SAFETY: the pointer of a Box is not null.
        Ok(Self(unsafe { NonNull::new_unchecked(Box::into_raw(boxed(part)?)) }))
    }

    fn leave(self) -> NonNull<PartView> {
        ManuallyDrop::new(self).0
    }
}

impl Drop for Unmoved {
    fn drop(&mut self) {
        // SAFETY: the pointer is from the Box in `new`, and nothing else has it.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl Deref for Unmoved {
    type Target = PartView;

    fn deref(&self) -> &PartView {
        // SAFETY: the pointer is from a Box, and this value is borrowed.
        unsafe { self.0.as_ref() }
    }
}

impl DerefMut for Unmoved {
    fn deref_mut(&mut self) -> &mut PartView {
        // SAFETY: as above, mutably.
        unsafe { self.0.as_mut() }
    }
}

impl<'a> PartGrant<'a> {
    /// Resolves the declaration of a part against all the memory of the whole, even if views of the whole show less of
    /// it.
    ///
    /// # Errors
    ///
    /// The declaration does not fit, the request cannot be answered, or there is no memory.
    pub(crate) fn new(
        mut whole: Grant<'a>,
        descriptor: &'static Descriptor,
        declared: &Declaration<'_>,
        flags: Flags,
    ) -> Result<Self, Denied> {
        let declared_readonly = descriptor.readonly || declared.readonly;
        let declared = &Declaration { readonly: declared.readonly || whole.is_readonly(), ..*declared };
        let header = whole.header();
        let memory = Memory { len: header.bytes(), row_len: None };
        let misfit = |error| Denied::Misfit { error, memory };
        let part = PartView { whole: ptr::null_mut(), layout: Published::unresolved() };
        let mut part = Unmoved::new(part).map_err(|error| misfit(error.into()))?;
        part.layout.resolve(descriptor, declared, memory, header.data()).map_err(misfit)?;

        let facts = part.layout.facts();
        let answer = request::answer(flags, facts)?;
        if facts.readonly {
            whole.downgrade().map_err(|blocker| ViewError::Blocked {
                writable: flags.writable(),
                blocker,
                held: Held::Unknown,
            })?;
        }
        Ok(Self { whole, part, answer, declared_readonly })
    }

    /// The layout of the part.
    pub(crate) fn layout(&self) -> &Published {
        &self.part.layout
    }

    /// Whether the declaration of the part makes it read-only, apart from overlapping items.
    pub(crate) fn is_declared_readonly(&self) -> bool {
        self.declared_readonly
    }

    /// The whole.
    pub(crate) fn whole(&self) -> &Grant<'a> {
        &self.whole
    }

    /// See [`Grant::pin`].
    pub(crate) fn pin(&self) {
        self.whole.pin();
    }

    /// Transfers the view to the consumer, as [`Grant::hand_out`] does.
    ///
    /// # Safety
    ///
    /// `description` may be written.
    pub(crate) unsafe fn hand_out(self, description: *mut Description) -> *mut u8 {
        let Self { whole, part, answer, .. } = self;
        let buf = part.layout.buf();
        let facts = part.layout.facts();
        // SAFETY: the caller vouches for it, and the layout was resolved.
        unsafe { part.layout.describe(description, answer, ptr::null_mut(), facts.indirect) };
        let part = part.leave();
        // SAFETY: nothing else refers to the part. (A `&mut` to all of it would make the pointers in the description
        // invalid.)
        unsafe { (*part.as_ptr()).whole = whole.leave() };
        // SAFETY: the caller vouches for it, and it was written.
        let shown = unsafe { &mut *description };
        shown.readonly = c_int::from(facts.readonly);
        shown.internal = PartTicket(part).to_internal();
        buf
    }
}

/// What a view of a part stores in `Py_buffer.internal`: the address of its [`PartView`], which no other view refers
/// to, with a different tag than a [`Ticket`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct PartTicket(pub(crate) NonNull<PartView>);

impl PartTicket {
    const LOW_BITS: usize = align_of::<PartView>() - 1;
    const TAG: usize = 0b1001;

    pub(crate) fn to_internal(self) -> *mut c_void {
        self.0.as_ptr().map_addr(|address| address | Self::TAG).cast()
    }

    /// Reads back the ticket of a view of a part, or `None` if `internal` is not one.
    pub(crate) fn from_internal(internal: *mut c_void) -> Option<Self> {
        let untagged = internal.addr().wrapping_sub(Self::TAG);
        if untagged & Self::LOW_BITS != 0 || untagged < Ticket::LOWEST {
            return None;
        }
        NonNull::new(internal.with_addr(untagged).cast()).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::ViewKind;

    #[test]
    fn a_part_reads_back_what_was_written_and_is_no_other_ticket() {
        let part = PartTicket(NonNull::without_provenance(std::num::NonZero::new(0x7f00_1234_5640).unwrap()));
        assert_eq!(PartTicket::from_internal(part.to_internal()).unwrap().0, part.0);
        assert!(Ticket::from_internal(part.to_internal()).is_none());
    }

    #[test]
    fn what_others_keep_is_no_part() {
        let base = 0x7f00_1234_5640_usize;
        let others = (0..4096).chain((0..64).filter(|&low| low % 16 != PartTicket::TAG).map(|low| base | low));
        for internal in others {
            assert!(PartTicket::from_internal(ptr::without_provenance_mut(internal)).is_none(), "{internal:#x}");
        }
        for access in [ViewKind::Writable, ViewKind::ReadOnly] {
            let block = NonNull::without_provenance(std::num::NonZero::new(base).unwrap());
            assert!(PartTicket::from_internal(Ticket { block, access }.to_internal()).is_none(), "{access:?}");
        }
    }
}
