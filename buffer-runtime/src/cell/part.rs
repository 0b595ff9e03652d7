//! What a view of a part of a cell refers to: a view of the cell, and a layout of its own.
//!
//! Views of a whole cell share one layout. Those of parts have one each, which lives from the request to the release; and
//! each counts as one view of the cell, so that the lock, its words and its limits are the same for all.

use std::ptr::NonNull;

use super::published::Published;
use super::ticket::PartTicket;
use super::{Header, Ticket};
use crate::layout::{Declaration, Descriptor, LayoutError, Memory};

/// Aligned so that a view can keep a tag in the low bits of its address.
#[repr(align(64))]
pub(crate) struct PartView {
    /// The view of the cell.
    ticket: Ticket,
    /// What the view of the part shows.
    layout: Published,
}

impl PartView {
    /// Resolves what is declared of a part of so many bytes.
    ///
    /// # Errors
    ///
    /// The declaration does not fit.
    pub(crate) fn new(
        ticket: Ticket,
        descriptor: &'static Descriptor,
        declared: &Declaration<'_>,
        bytes: usize,
    ) -> Result<Box<Self>, LayoutError> {
        let mut part = Box::new(Self { ticket, layout: Published::unresolved() });
        let memory = Memory { len: bytes, row_len: None };
        part.layout.resolve(descriptor, declared, memory, std::ptr::null_mut())?;
        Ok(part)
    }

    pub(crate) fn layout(&self) -> &Published {
        &self.layout
    }

    /// Says how the view of the cell counts by now.
    pub(crate) fn set_ticket(&mut self, ticket: Ticket) {
        self.ticket = ticket;
    }

    /// Leaves it to the view whose `internal` this is.
    pub(crate) fn leave(self: Box<Self>) -> *mut Header {
        // SAFETY: the pointer of a Box is not null.
        PartTicket(unsafe { NonNull::new_unchecked(Box::into_raw(self)) }).to_internal()
    }

    /// Takes back what was left to a view, and frees it. The view of the cell remains, to be released.
    ///
    /// # Safety
    ///
    /// `part` was left to a view that is being released, and is not used afterwards.
    pub(crate) unsafe fn take(part: PartTicket) -> Ticket {
        // SAFETY: the caller vouches that it was left, and is taken once.
        let part = unsafe { Box::from_raw(part.0.as_ptr()) };
        part.ticket
    }
}
