//! The data of a view of a part of a cell: a view of the cell, and the part's own layout.
//!
//! Views of a whole cell share one layout. Each view of a part has its own, from the request to the release. It counts
//! as one view of the cell, so the lock, its messages and its limits are the same for all views.

use std::ffi::{CStr, c_char, c_void};
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::{self, NonNull};

use super::block::Header;
use super::denied::Denied;
use super::grant::Grant;
use super::part_ticket::PartTicket;
use super::published::{Description, Published, SharedFields};
use super::spare::Place;
use super::stable::StableTicket;
use super::still::is_bytes;
use super::ticket::Ticket;
use crate::error::{Held, ViewError};
use crate::layout::{Declaration, Descriptor, Evaluated, Item, Memory};
use crate::lock::ViewKind;
use crate::memory::{NoMemory, boxed};
use crate::request::{self, Answer, Flags, Granted};
use crate::trace::Holding;

/// The data of one view of a part. Aligned, so that the low bits of its address have room for a tag.
///
/// The layout follows from the declaration and from the other fields except the ticket. The address of the first item
/// in it is that of the memory for which the layout was resolved, which may have moved since.
#[repr(align(16))]
pub(crate) struct PartView {
    /// The view of the cell.
    ticket: Ticket,
    /// Whether the view of the cell is a stable one. Always `false` in a view that has ended.
    stable: bool,
    /// The layout of the part.
    layout: Published,
    /// The distance of the first item from the start of the memory.
    offset: isize,
    /// The size of the memory.
    bytes: usize,
    /// The address of the format of the whole, if that is a static; otherwise NULL.
    format_of_whole: *const c_char,
    /// Whether the view of the cell was read-only before it became one of this part.
    readonly_whole: bool,
    /// Whether the part is read-only although that view was not. Then the lock counts the view anew.
    counts_anew: bool,
    /// Whether the declaration makes the part read-only.
    declared_readonly: bool,
    /// Whether the part declares items of its own, over bytes.
    own_items: bool,
    /// The serial number of the declaration.
    serial: u64,
    /// The requests that are granted.
    granted: &'static Granted,
    /// Where the view is kept when it has ended.
    place: &'static Place,
}

impl PartView {
    /// Whether the part shows the same items if this is the layout of the whole.
    #[cold]
    #[inline(never)]
    fn has_items_of(&self, all: &SharedFields) -> bool {
        let layout = &self.layout;
        let itemsize = if self.own_items { layout.description.itemsize } else { all.itemsize };
        // SAFETY: both layouts were resolved, so they have a format.
        let same = unsafe { layout.has_items(all.format, itemsize) };
        // SAFETY: as above.
        same || self.own_items && unsafe { is_bytes(all.format) }
    }

    /// Keeps the data of a view of a part for the next one. Returns the ticket of its view of the cell, as an ordinary
    /// one, and the data that was kept before. The caller releases that view.
    ///
    /// # Safety
    ///
    /// Attached. `part` is from the `internal` of a view of a part that is being released, and is not used afterwards.
    #[inline(always)]
    pub(crate) unsafe fn take(part: PartTicket) -> (Ticket, Option<Unmoved>) {
        // SAFETY: the caller vouches that a view owns the data, and that it is taken once.
        let part = unsafe { Unmoved::from_raw(part.0) };
        let (mut ticket, place) = (part.ticket, part.place);
        if part.stable {
            // The next view that uses this data is an ordinary one.
            // SAFETY: the view is this function's own.
            unsafe { (*part.0.as_ptr()).stable = false };
            // SAFETY: the caller vouches for an attached thread; the view is counted, and turned once.
            ticket = unsafe { StableTicket(ticket.block).into_ordinary() };
        }
        // SAFETY: the caller vouches for an attached thread.
        (ticket, unsafe { place.keep(part) })
    }

    /// The block of the cell, and how the view holds it.
    ///
    /// # Safety
    ///
    /// `part` is from the `internal` of a view of a part that is counted.
    unsafe fn counted(part: PartTicket) -> (NonNull<Header>, Holding) {
        // SAFETY: the caller vouches that a view owns the data.
        let Ticket { block, access } = unsafe { (*part.0.as_ptr()).ticket };
        // SAFETY: as above.
        let stable = unsafe { (*part.0.as_ptr()).stable };
        (block, if stable { Holding::StableView } else { access.into() })
    }
}

/// The block of the cell that a view holds, which may be a view of a part, and how it holds it. `None` if `internal` is
/// not that of a view.
///
/// # Safety
///
/// The view was granted by a slot of this crate, and is not released yet.
pub(crate) unsafe fn counted(internal: *mut c_void) -> Option<(NonNull<Header>, Holding)> {
    if let Some(part) = PartTicket::from_internal(internal) {
        // SAFETY: as the caller vouches.
        return Some(unsafe { PartView::counted(part) });
    }
    let ordinary = Ticket::from_internal(internal).map(|ticket| (ticket.block, ticket.access.into()));
    ordinary.or_else(|| StableTicket::from_internal(internal).map(|stable| (stable.0, Holding::StableView)))
}

/// A granted view of a part, counted as a view of the whole. Dropping it releases the view.
pub(crate) struct PartGrant<'a> {
    whole: Grant<'a>,
    part: Unmoved,
    answer: Answer,
}

/// Owns a [`PartView`] by a pointer, because a layout must not move: to move a `Box` makes other pointers into it
/// invalid.
pub(crate) struct Unmoved(NonNull<PartView>);

impl Unmoved {
    /// # Safety
    ///
    /// The pointer is from `leave`, and is used for nothing else.
    pub(super) unsafe fn from_raw(part: NonNull<PartView>) -> Self {
        Self(part)
    }

    fn new(part: PartView) -> Result<Self, NoMemory> {
        // SAFETY: the pointer of a Box is not null.
        Ok(Self(unsafe { NonNull::new_unchecked(Box::into_raw(boxed(part)?)) }))
    }

    pub(super) fn leave(self) -> NonNull<PartView> {
        ManuallyDrop::new(self).0
    }

    /// Stores the parts of the resolved layout, whose memory is at `data`, that the next view of the part needs.
    fn settle(&self, data: *mut u8) {
        let facts = self.layout.facts();
        let counts_anew = facts.readonly && !self.readonly_whole;
        let offset = self.layout.buf().addr().wrapping_sub(data.addr()).cast_signed();
        // Field by field, because a `&mut` to the whole part would make the pointers in its layout invalid.
        let part = self.0.as_ptr();
        // SAFETY: nothing else refers to the part.
        unsafe { (*part).offset = offset };
        // SAFETY: as above.
        unsafe { (*part).granted = Granted::by(facts) };
        // SAFETY: as above.
        unsafe { (*part).counts_anew = counts_anew };
        // SAFETY: as above.
        let layout = unsafe { &raw mut (*part).layout };
        // SAFETY: as above.
        unsafe { Published::show_access(layout) };
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
    /// it. The part shows items of the whole unless it declares its own; `whole` comes with the format of its class.
    /// `object` is the address of the part.
    ///
    /// # Errors
    ///
    /// The declaration does not fit, the request cannot be answered, or there is no memory.
    pub(crate) fn new(
        object: usize,
        (mut whole, format_of_class): (Grant<'a>, &'static CStr),
        descriptor: &'static Descriptor,
        declared: &Declaration<'_>,
        flags: Flags,
    ) -> Result<Self, Denied> {
        let readonly_whole = whole.is_readonly();
        let declared_readonly = descriptor.readonly || declared.readonly;
        let own_items = declared.item.is_some();
        let all = whole.layout().description;
        // SAFETY: a published layout has a format, which stays unchanged while the view is counted.
        let format = unsafe { CStr::from_ptr(all.format) };
        let item = declared.item.unwrap_or(Item { format, itemsize: all.itemsize.cast_unsigned() });
        let declared = &Declaration { readonly: declared.readonly || readonly_whole, item: Some(item), ..*declared };
        let header = whole.header();
        let memory = Memory { len: header.bytes(), row_len: None };
        let misfit = |error| Denied::Misfit { error, memory };
        let part = PartView {
            ticket: whole.ticket(),
            stable: whole.is_stable(),
            layout: Published::unresolved(),
            offset: 0,
            bytes: memory.len,
            format_of_whole: if ptr::eq(all.format, format_of_class.as_ptr()) { all.format } else { ptr::null() },
            readonly_whole,
            counts_anew: false,
            declared_readonly,
            own_items,
            serial: declared.serial,
            granted: Granted::NONE,
            place: Place::of(object),
        };
        let mut part = Unmoved::new(part).map_err(|error| misfit(error.into()))?;
        part.layout.resolve(descriptor, declared, memory, header.data()).map_err(misfit)?;
        part.settle(header.data());
        let facts = part.layout.facts();

        let answer = request::answer(flags, facts)?;
        if facts.readonly {
            whole.downgrade().map_err(|blocker| ViewError::Blocked {
                writable: flags.writable(),
                blocker,
                held: Held::Unknown,
            })?;
        }
        Ok(Self { whole, part, answer })
    }

    /// The layout of the part.
    pub(crate) fn layout(&self) -> &Published {
        &self.part.layout
    }

    /// Whether the declaration of the part makes it read-only, apart from overlapping items.
    pub(crate) fn is_declared_readonly(&self) -> bool {
        self.part.declared_readonly
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
        let Ticket { block, access } = whole.leave();
        // SAFETY: nothing else refers to the part.
        unsafe { (*part.0.as_ptr()).ticket.access = access };
        // SAFETY: the caller vouches for it. The layout was resolved, and the view counted as the layout says, by
        // `new`.
        unsafe { hand_out(part.leave(), description, answer, block) };
        buf
    }
}

/// A view of a part that has ended, for the next view of the same part. Dropping it leaks it, so call `keep` or `show`.
#[must_use]
pub(crate) struct Again {
    /// Owned.
    part: NonNull<PartView>,
    answer: Answer,
}

impl Again {
    /// The view of the part at this address that was kept, if it has these numbers and answers the request. Values that
    /// depend on the whole are not compared yet.
    ///
    /// # Safety
    ///
    /// Attached until the result is kept or shown.
    #[inline(always)]
    pub(crate) unsafe fn of<D: Evaluated>(
        object: usize,
        descriptor: &'static Descriptor,
        dims: &D,
        flags: Flags,
    ) -> Option<Self> {
        // SAFETY: the caller vouches for an attached thread.
        let kept = unsafe { Place::of(object).take() }?.leave();
        // SAFETY: the view is this function's own, and is borrowed only here.
        let part = unsafe { kept.as_ref() };
        let same = part.layout.is_of(descriptor)
            && if dims.serial() != 0 {
                part.serial == dims.serial()
            } else if dims.varies() {
                let declared = dims.declaration(descriptor);
                part.declared_readonly == (descriptor.readonly || declared.readonly)
                    && part.layout.says(&declared, part.offset)
            } else {
                part.layout.still_says(dims, &|| part.offset)
            };
        if let Some(answer) = part.granted.answer(flags).filter(|_| same) {
            return Some(Self { part: kept, answer });
        }
        Self { part: kept, answer: Answer::Bytes }.keep();
        None
    }

    /// Keeps the view for another time.
    #[cold]
    #[inline(never)]
    pub(crate) fn keep(self) {
        // SAFETY: this type owned the view.
        let part = unsafe { Unmoved::from_raw(self.part) };
        // SAFETY: the caller of `of` vouches for an attached thread.
        drop(unsafe { part.place.keep(part) });
    }

    /// Shows the part to a consumer that holds a view of the whole: writes the description of a view of the part, which
    /// from now on holds that view, and returns the address of its first item. `None` if the layout is another one for
    /// this whole; then nothing has changed.
    ///
    /// # Safety
    ///
    /// Attached. The view of the whole is counted, and `description` may be written.
    #[inline(always)]
    pub(crate) unsafe fn show(self, whole: Ticket, description: *mut Description) -> Option<*mut u8> {
        // SAFETY: the caller vouches for a view that is counted, so its block is alive (invariant 1 of the block).
        let header = unsafe { whole.block.as_ref() };
        // SAFETY: as above, and the layout of a view that was granted is published.
        let all = &unsafe { header.published() }.description;
        // SAFETY: the view is this function's own, and is borrowed only here.
        let part = unsafe { self.part.as_ref() };
        let same = part.bytes == header.bytes()
            && part.readonly_whole == (whole.access == ViewKind::ReadOnly)
            // The text of a static is the same at the same address.
            && (ptr::eq(part.format_of_whole, all.format) || part.has_items_of(all));
        // The class of the part, or its serial number, determines the class of the whole, and a class whose rows are
        // allocated one by one has no views of parts. (Nor are there parts of all bytes of such rows.)
        debug_assert!(!header.kind.indirect);
        if !same || part.counts_anew && !header.lock.downgrade() {
            self.keep();
            return None;
        }
        let buf = header.data().wrapping_byte_offset(part.offset);
        // SAFETY: the caller vouches for the description. The view is this function's own, and its layout was resolved.
        unsafe { hand_out(self.part, description, self.answer, whole.block) };
        Some(buf)
    }
}

/// Transfers a view of a part to the consumer, together with the view of this block: writes its description.
///
/// # Safety
///
/// The caller owns the view, whose layout was resolved and shows the access, and `description` may be written. The view
/// of the block is counted with the access of the part.
#[inline(always)]
unsafe fn hand_out(part: NonNull<PartView>, description: *mut Description, answer: Answer, block: NonNull<Header>) {
    // SAFETY: the caller owns the view.
    let layout = unsafe { &part.as_ref().layout };
    // A part is never indirect.
    // SAFETY: as the caller vouches.
    unsafe { layout.describe(description, answer, PartTicket(part).to_internal(), false) };
    // SAFETY: nothing else refers to the part. (A `&mut` to all of it would make the pointers in the description
    // invalid.)
    unsafe { (*part.as_ptr()).ticket.block = block };
}
