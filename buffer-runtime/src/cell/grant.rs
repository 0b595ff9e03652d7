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
use crate::error::ViewError;
use crate::layout::{Declaration, Descriptor, Dims, Facts, LayoutError};
use crate::lock::{Admission, Blocker, Lock, Missed, ViewKind, Wants};
use crate::request::{self, Answer, Flags, Refusal};

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

/// A view that the lock counts, of a published layout. Dropped, it is taken back.
pub(crate) struct Grant<'a> {
    block: NonNull<Header>,
    access: ViewKind,
    /// Whether `access` is what the layout's description says.
    usual: bool,
    answer: Answer,
    /// The cell, which is borrowed: so the view is never the last to know the block.
    owner: PhantomData<&'a Header>,
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
    let lock = &unsafe { block.as_ref() }.lock;
    let wants = Wants { may_write: !descriptor.readonly, must_write: flags.writable() };
    let admission = lock.admit(wants).map_err(|blocker| blocked(flags, blocker))?;
    // SAFETY: as the caller vouches.
    unsafe { enter::<D, false>(block, descriptor, flags, &admission, dims) }
}

/// The same where no guard is alive and the layout is still what it was: the common case, and the fastest. In any other
/// nothing has changed.
///
/// # Safety
///
/// As for [`grant`].
#[inline(always)]
pub(crate) unsafe fn grant_at_once<'a, D: Dims>(
    block: NonNull<Header>,
    descriptor: &'static Descriptor,
    flags: Flags,
    dims: impl FnOnce() -> Option<D>,
) -> Option<Grant<'a>> {
    // SAFETY: the caller vouches for the owner, which keeps its block alive.
    let lock = &unsafe { block.as_ref() }.lock;
    let admission = lock.admit_unguarded(usual_access(descriptor))?;
    // SAFETY: as the caller vouches.
    unsafe { enter::<D, true>(block, descriptor, flags, &admission, dims) }.ok()
}

/// Begins a view that the lock has admitted. `AT_ONCE` gives up where something would have to be computed.
///
/// # Safety
///
/// As for [`grant`].
#[inline(always)]
unsafe fn enter<'a, D: Dims, const AT_ONCE: bool>(
    block: NonNull<Header>,
    descriptor: &'static Descriptor,
    flags: Flags,
    admission: &Admission,
    dims: impl FnOnce() -> Option<D>,
) -> Result<Grant<'a>, Denied> {
    // SAFETY: the caller vouches for the owner, which keeps its block alive.
    let header: &'a Header = unsafe { block.as_ref() };
    let lock = &header.lock;
    let is_first = admission.is_first();
    let dims = if is_first {
        let Some(dims) = dims() else { return Err(Denied::LayoutNeeded) };
        if lock.claim(admission) != Ok(()) {
            return Err(Denied::Changed);
        }
        Some(dims)
    } else {
        match lock.join(admission) {
            Ok(()) => None,
            Err(Missed::Changed) => return Err(Denied::Changed),
            Err(Missed::Unpublished) => return Err(Denied::Unpublished),
        }
    };
    // SAFETY: the view is counted: as the claimer's, or after the layout was published.
    match unsafe { settle::<D, AT_ONCE>(block, descriptor, flags, admission.access(), dims) } {
        Ok(grant) => {
            if is_first {
                lock.publish();
            }
            Ok(grant)
        }
        Err(denied) => {
            // Never the last to know the block, which has an owner.
            let access = admission.access();
            let _ = if is_first { lock.abandon(access) } else { lock.release(access) };
            Err(denied)
        }
    }
}

/// Resolves the layout if this is the first view, and answers the request.
///
/// # Safety
///
/// The owner of the block is borrowed for `'a`, and a view is counted as `access`. With `dims` the caller has claimed the first
/// view and not published yet; without them the layout is published.
#[inline(always)]
unsafe fn settle<'a, D: Dims, const AT_ONCE: bool>(
    block: NonNull<Header>,
    descriptor: &'static Descriptor,
    flags: Flags,
    access: ViewKind,
    dims: Option<D>,
) -> Result<Grant<'a>, Denied> {
    // SAFETY: the caller vouches for a live block.
    let header: &Header = unsafe { block.as_ref() };
    // SAFETY: the caller is the claimer, or the layout is published (invariant 4).
    let layout = unsafe { header.published() };
    if let Some(dims) = dims {
        // A view after a view is the common case, and then nothing has to be computed again.
        if !layout.is_still(descriptor, &dims) {
            if AT_ONCE {
                return Err(Denied::LayoutNeeded);
            }
            // SAFETY: as the caller vouches; `layout` is not used any more.
            let resolved = unsafe { resolve(block, descriptor, &dims.declaration(descriptor)) };
            resolved.map_err(|error| Denied::Misfit { error, len: header.len() })?;
        }
    } else if !layout.is_of(descriptor) {
        return Err(ViewError::ForeignLayout.into());
    }
    // SAFETY: as above.
    let layout = unsafe { header.published() };
    let usual = access == usual_access(descriptor);
    match layout.granted.answer(flags).filter(|_| usual) {
        Some(answer) => Ok(Grant { block, access, usual, answer, owner: PhantomData }),
        None if AT_ONCE => Err(Denied::LayoutNeeded),
        None => {
            let (access, answer) = answer(&header.lock, layout, flags, access)?;
            Ok(Grant { block, access, usual: false, answer, owner: PhantomData })
        }
    }
}

/// Answers a request that is not granted without a closer look, or not with what is usual for the class. The view is counted
/// as `access`; the answer says as what it counts from now on.
fn answer(lock: &Lock, layout: &Published, flags: Flags, access: ViewKind) -> Result<(ViewKind, Answer), Denied> {
    // Overlapping items make a layout read-only in a class that is not.
    let becomes_readonly = layout.facts.readonly && access == ViewKind::Writable;
    let readonly = layout.facts.readonly || access == ViewKind::ReadOnly;
    let answer = request::answer(flags, Facts { readonly, ..layout.facts })?;
    if becomes_readonly && !lock.downgrade() {
        return Err(blocked(flags, Blocker::Full));
    }
    Ok((if readonly { ViewKind::ReadOnly } else { access }, answer))
}

/// What views of a class may do where neither a guard nor the layout says less.
#[inline(always)]
const fn usual_access(descriptor: &Descriptor) -> ViewKind {
    if descriptor.readonly { ViewKind::ReadOnly } else { ViewKind::Writable }
}

fn blocked(flags: Flags, blocker: Blocker) -> Denied {
    ViewError::Blocked { writable: flags.writable(), blocker }.into()
}

/// Brings the layout to what the class declares and the storage has now.
///
/// # Safety
///
/// The block is alive; the caller has claimed the first view and not published yet; nobody refers to the layout.
#[cold]
#[inline(never)]
unsafe fn resolve(
    block: NonNull<Header>,
    descriptor: &'static Descriptor,
    declared: &Declaration<'_>,
) -> Result<(), LayoutError> {
    // SAFETY: the caller vouches for a live block.
    let header = unsafe { block.as_ref() };
    // SAFETY: the caller is the claimer, so nobody else reads or writes it (invariant 4).
    let layout = unsafe { header.layout_mut() };
    // SAFETY: the caller's claim excludes write guards (invariant 8), so nobody writes it (invariant 2).
    let own = unsafe { header.own_layout() };
    let internal = Ticket { block, access: usual_access(descriptor) }.to_internal();
    layout.resolve(descriptor, &own.unless_declared(declared), header.memory(), internal)
}

impl<'a> Grant<'a> {
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
        if self.access == ViewKind::Writable {
            if !self.header().lock.downgrade() {
                return Err(Blocker::Full);
            }
            self.access = ViewKind::ReadOnly;
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
        // SAFETY: the caller vouches for it.
        unsafe { description.write(layout.description) };
        // SAFETY: as above, and it was written.
        let shown = unsafe { &mut *description };
        if !self.usual {
            shown.readonly = c_int::from(self.access == ViewKind::ReadOnly);
            shown.internal = self.ticket().to_internal();
        }
        shown.keep(self.answer);
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
        // Never the last to know the block, which has an owner.
        let _ = self.header().lock.release(self.access);
    }
}
