//! Granting a view of a cell: claim, resolve, answer, publish.
//!
//! Every view of a cell begins here, whoever asks for it: the slots, parts, and the tests that Miri and the sanitizers run.
//! Nothing here knows Python. The invariants that are cited are the block's.

use std::ffi::c_int;
use std::marker::PhantomData;
use std::mem;
use std::ptr::NonNull;

use super::block::Header;
use super::published::{Description, Published};
use super::ticket::Ticket;
use crate::error::{Blocker, ViewError};
use crate::layout::{Descriptor, Dims, LayoutError};
use crate::lock::{Access, Entry, Wants};
use crate::request::{self, Answer, Facts, Flags, Refusal};

/// Why a view was not granted. Nothing has changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// It would be the first view, and the declared numbers are not evaluated.
    LayoutNeeded,
    /// The lock changed meanwhile; ask again.
    Changed,
    /// The first view has not published its layout in time; ask again when other threads have run.
    Unpublished,
    /// The declaration does not describe the memory, which has `len` elements or rows.
    Misfit { error: LayoutError, len: usize },
    /// Asking again would not help.
    Refused(ViewError),
}

impl From<ViewError> for Denied {
    fn from(error: ViewError) -> Self {
        Self::Refused(error)
    }
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.into())
    }
}

/// A view that the lock counts. Dropped, it is taken back.
pub(crate) struct Grant<'a> {
    block: NonNull<Header>,
    access: Access,
    /// Whether it is the first view and its layout is not published yet.
    claimed: bool,
    shown: Shown,
    /// The cell, which is borrowed: so the view is never the last to know the block.
    owner: PhantomData<&'a Header>,
}

/// How much of the published description a view shows.
#[derive(Clone, Copy)]
enum Shown {
    All,
    Answer(Answer),
}

/// Grants a view of a cell, in the layout that `descriptor` and `dims` declare of it.
///
/// `dims` is asked only when this is the first view. It must not run user code: the lock has been read by then.
///
/// # Safety
///
/// The owner of the block is borrowed for `'a`, and the thread is attached.
///
/// # Errors
///
/// See [`Denied`].
#[inline(always)]
pub(crate) unsafe fn grant<'a, D: Dims>(
    block: NonNull<Header>,
    descriptor: &'static Descriptor,
    flags: Flags,
    dims: impl FnOnce() -> Option<D>,
) -> Result<Grant<'a>, Denied> {
    if descriptor.readonly && flags.writable() {
        return Err(Refusal::ReadOnly.into());
    }
    // SAFETY: the caller vouches for the owner, which keeps its block alive.
    let header: &'a Header = unsafe { block.as_ref() };
    let lock = &header.lock;
    let wants = Wants { may_write: !descriptor.readonly, must_write: flags.writable() };
    let admission = lock.admit(wants).map_err(|blocker| blocked(flags, blocker))?;

    let (mut grant, layout) = if admission.is_first() {
        let Some(dims) = dims() else { return Err(Denied::LayoutNeeded) };
        if lock.claim(&admission) != Entry::Entered {
            return Err(Denied::Changed);
        }
        let grant = Grant::counted(block, admission.access(), true);
        // SAFETY: the owner keeps the block alive; this thread has claimed the first view and not published yet.
        let layout = unsafe { bring_up_to_date::<D>(block, descriptor, &dims) }?;
        (grant, layout)
    } else {
        match lock.join(&admission) {
            Entry::Entered => {}
            Entry::Changed => return Err(Denied::Changed),
            Entry::Unpublished => return Err(Denied::Unpublished),
        }
        let grant = Grant::counted(block, admission.access(), false);
        // SAFETY: the view is counted, and the lock says that its layout is published (invariant 4).
        let layout = unsafe { header.published() };
        if !layout.is_of(descriptor) {
            return Err(ViewError::ForeignLayout.into());
        }
        (grant, layout)
    };

    // Overlapping items make a layout read-only in a class that is not.
    if layout.facts.readonly && grant.access == Access::Writable {
        if flags.writable() {
            return Err(Refusal::ReadOnly.into());
        }
        grant.downgrade().map_err(|blocker| blocked(flags, blocker))?;
    }
    let as_declared = descriptor.readonly || grant.access == Access::Writable;
    if !(as_declared && layout.full.has(flags)) {
        let facts = Facts { readonly: grant.access == Access::ReadOnly, ..layout.facts };
        grant.shown = Shown::Answer(request::answer(flags, facts)?);
    }
    if grant.claimed {
        lock.publish();
        grant.claimed = false;
    }
    Ok(grant)
}

fn blocked(flags: Flags, blocker: Blocker) -> Denied {
    ViewError::Blocked { writable: flags.writable(), blocker }.into()
}

/// Brings the layout to what the class declares and the storage has now. A view after a view is the common case, and then
/// nothing has to be computed again.
///
/// # Safety
///
/// The block is alive; the caller has claimed the first view and not published yet.
#[inline(always)]
unsafe fn bring_up_to_date<'a, D: Dims>(
    block: NonNull<Header>,
    descriptor: &'static Descriptor,
    dims: &D,
) -> Result<&'a Published, Denied> {
    // SAFETY: the caller vouches for a live block.
    let header: &'a Header = unsafe { block.as_ref() };
    // SAFETY: the caller is the claimer, so nobody writes the layout (invariant 4).
    let layout = unsafe { header.published() };
    if !layout.is_still(descriptor, header.generation(), dims) {
        // SAFETY: as the caller vouches; `layout` is not used any more.
        unsafe { resolve(block, descriptor, dims) }.map_err(|error| Denied::Misfit { error, len: header.len() })?;
    }
    // SAFETY: as above; it is resolved now.
    Ok(unsafe { header.published() })
}

/// # Safety
///
/// As for [`bring_up_to_date`]; nobody refers to the layout.
#[cold]
#[inline(never)]
unsafe fn resolve<D: Dims>(
    block: NonNull<Header>,
    descriptor: &'static Descriptor,
    dims: &D,
) -> Result<(), LayoutError> {
    // SAFETY: the caller vouches for a live block.
    let header = unsafe { block.as_ref() };
    // SAFETY: the caller is the claimer, so nobody else reads or writes it (invariant 4).
    let layout = unsafe { header.layout_mut() };
    // SAFETY: the caller's claim excludes write guards (invariant 8), so nobody writes it (invariant 2).
    let own = unsafe { header.own_layout() };
    let access = if descriptor.readonly { Access::ReadOnly } else { Access::Writable };
    let internal = Ticket { block, access }.to_internal();
    let declared = own.unless_declared(&dims.declaration(descriptor));
    layout.resolve(descriptor, &declared, header.memory(), header.generation(), internal)
}

impl<'a> Grant<'a> {
    #[inline(always)]
    fn counted(block: NonNull<Header>, access: Access, claimed: bool) -> Self {
        Self { block, access, claimed, shown: Shown::All, owner: PhantomData }
    }

    #[inline(always)]
    pub(crate) fn header(&self) -> &'a Header {
        // SAFETY: the owner is borrowed for `'a`, and keeps its block alive.
        unsafe { self.block.as_ref() }
    }

    #[inline(always)]
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket { block: self.block, access: self.access }
    }

    /// The layout of the whole cell.
    #[inline(always)]
    pub(crate) fn layout(&self) -> &Published {
        // SAFETY: the view is counted, and its layout is published or this is its claimer (invariant 4).
        unsafe { self.header().published() }
    }

    /// Keeps the memory in place until the object dies.
    #[inline(always)]
    pub(crate) fn pin(&self) {
        self.header().pin.set(self.access);
    }

    /// Counts the view as one that cannot write.
    ///
    /// # Errors
    ///
    /// There are too many of those.
    pub(crate) fn downgrade(&mut self) -> Result<(), Blocker> {
        if self.access == Access::Writable {
            if !self.header().lock.downgrade() {
                return Err(Blocker::Full);
            }
            self.access = Access::ReadOnly;
        }
        Ok(())
    }

    /// Hands the view out: writes what it shows, and answers where its first item is. Whoever has the description's
    /// `internal` releases the view.
    ///
    /// # Safety
    ///
    /// `description` may be written.
    #[inline(always)]
    pub(crate) unsafe fn hand_out(self, description: *mut Description) -> *mut u8 {
        let layout = self.layout();
        let buf = layout.buf(self.header());
        match self.shown {
            // SAFETY: the caller vouches for it.
            Shown::All => unsafe { description.write(layout.description) },
            Shown::Answer(answer) => {
                let all = layout.description;
                let readonly = c_int::from(self.access == Access::ReadOnly);
                let internal = self.ticket().to_internal();
                let shown = Description { readonly, internal, ..all }.answering(answer);
                // SAFETY: as above.
                unsafe { description.write(shown) };
            }
        }
        mem::forget(self);
        buf
    }

    /// Leaves the view to a part, which shows something else of the memory.
    pub(crate) fn leave(self) -> Ticket {
        let ticket = self.ticket();
        mem::forget(self);
        ticket
    }
}

impl Drop for Grant<'_> {
    fn drop(&mut self) {
        let lock = &self.header().lock;
        // Never the last to know the block, which has an owner.
        let _ = if self.claimed { lock.abandon(self.access) } else { lock.release(self.access) };
    }
}
