//! Granting a view of a cell: claim, resolve, answer, publish.
//!
//! Every view of a cell begins here: for the slots, for parts, and for the tests that Miri and the sanitizers run.
//! Nothing here depends on Python. The invariants that are cited are the block's.

use std::ffi::{c_int, c_void};
use std::marker::PhantomData;
use std::mem;
use std::ptr::NonNull;

use super::block::Header;
use super::denied::{Denied, NotAtOnce};
use super::published::{Description, Published};
use super::stable::{StableTicket, grant_stable};
use super::ticket::Ticket;
use crate::error::{Held, ViewError};
use crate::layout::{Declaration, Descriptor, Evaluated, Facts, LayoutError};
use crate::lock::{Admission, Blocker, Lock, Missed, ViewKind, Wants};
use crate::request::{self, Answer, Flags, Refusal, Unanswered};
#[cfg(all(feature = "pickle", feature = "ndarray"))]
use crate::storage::OwnLayout;

/// A view that the lock counts, of a published layout. Dropping it releases the view.
pub(crate) struct Grant<'a> {
    block: NonNull<Header>,
    access: ViewKind,
    /// Whether `access` is the access in the layout's description.
    usual: bool,
    answer: Answer,
    /// Whether a read guard belongs to the view, which makes it a stable one.
    stable: bool,
    /// The cell is borrowed, so this view never has the last reference to the block.
    owner: PhantomData<&'a Header>,
}

/// Grants a view of a cell, in the layout that `descriptor` and `dims` declare for it.
///
/// `dims` is called only if this is the first view. It must not run user code, because the lock was read before.
///
/// # Safety
///
/// The owner of the block is borrowed for `'a`, and the thread is attached.
///
/// # Errors
///
/// See [`Denied`].
pub(crate) unsafe fn grant<'a, D: Evaluated>(
    block: NonNull<Header>,
    descriptor: &'static Descriptor,
    flags: Flags,
    dims: impl FnOnce() -> Option<D>,
) -> Result<Grant<'a>, Denied> {
    if flags.is_stable() {
        // SAFETY: as the caller vouches.
        return unsafe { grant_stable(block, descriptor, flags, dims) };
    }
    // SAFETY: as the caller vouches.
    unsafe { grant_ordinary(block, descriptor, flags, dims) }
}

/// [`grant`] for a request without `PyBUF_STABLE_READ`.
///
/// # Safety
///
/// As for [`grant`].
///
/// # Errors
///
/// See [`Denied`].
pub(super) unsafe fn grant_ordinary<'a, D: Evaluated>(
    block: NonNull<Header>,
    descriptor: &'static Descriptor,
    flags: Flags,
    dims: impl FnOnce() -> Option<D>,
) -> Result<Grant<'a>, Denied> {
    if descriptor.readonly && flags.writable() {
        return Err(Refusal::ReadOnly.into());
    }
    // SAFETY: the caller vouches for the owner, which keeps its block alive.
    let header = unsafe { block.as_ref() };
    let lock = &header.lock;
    let wants = Wants { may_write: !descriptor.readonly, must_write: flags.writable() };
    let admission = lock.admit(wants).map_err(|blocker| blocked(header, flags, blocker))?;
    let dims = if admission.is_first() { Some(dims().ok_or(Denied::LayoutNeeded)?) } else { None };
    begin(lock, &admission)?;
    // SAFETY: as the caller vouches, and the view has begun.
    unsafe { enter::<D, false>(block, descriptor, flags, &admission, dims) }
}

/// The same if no guard is alive and the layout has not changed: the common case, and the fastest. In any other case
/// nothing has changed. `dims` is `None` if evaluating the numbers runs user code.
///
/// # Safety
///
/// As for [`grant`].
///
/// # Errors
///
/// See [`NotAtOnce`].
#[inline(always)]
pub(crate) unsafe fn grant_at_once<'a, D: Evaluated>(
    block: NonNull<Header>,
    descriptor: &'static Descriptor,
    flags: Flags,
    dims: Option<impl FnOnce() -> Option<D>>,
) -> Result<Grant<'a>, NotAtOnce> {
    // SAFETY: the caller vouches for the owner, which keeps its block alive.
    let lock = &unsafe { block.as_ref() }.lock;
    let admission = lock.admit_unguarded(usual_access(descriptor)).ok_or(NotAtOnce::Untried)?;
    let is_first = admission.is_first();
    if is_first && dims.is_none() {
        return Err(NotAtOnce::Unevaluated);
    }
    let entered = begin(lock, &admission).and_then(|()| {
        // Only now: a view beside others would load the numbers too if that was done before the claim.
        let dims = match dims {
            Some(dims) if is_first => Some(dims().ok_or_else(|| give_back(lock, &admission, Denied::LayoutNeeded))?),
            _ => None,
        };
        // SAFETY: as the caller vouches, and the view has begun.
        unsafe { enter::<D, true>(block, descriptor, flags, &admission, dims) }
    });
    entered.map_err(|denied| match denied {
        Denied::Unanswered(unanswered) => NotAtOnce::Unanswered(unanswered),
        Denied::Changed => NotAtOnce::Changed,
        _ => NotAtOnce::Untried,
    })
}

/// Counts a view that the lock has admitted: claims the first one, and joins others.
#[inline(always)]
fn begin(lock: &Lock, admission: &Admission) -> Result<(), Denied> {
    let begun = if admission.is_first() { lock.claim(admission) } else { lock.join(admission) };
    begun.map_err(|missed| match missed {
        Missed::Changed => Denied::Changed,
        Missed::Unpublished => Denied::Unpublished,
    })
}

/// Undoes [`begin`] for this reason.
#[inline(always)]
fn give_back(lock: &Lock, admission: &Admission, why: Denied) -> Denied {
    let access = admission.access();
    // This is never the last reference to the block, which has an owner.
    let _ = if admission.is_first() { lock.abandon(access) } else { lock.release(access) };
    why
}

/// Grants a view that [`begin`] has counted: the first one with `dims`, a later one without them. With `AT_ONCE`, gives
/// up if something would have to be computed.
///
/// It takes the numbers themselves, not a function that evaluates them: such a function has a type of its own in each
/// class, and this would be compiled for each class. For the same reason, debug builds do not inline it, nor the other
/// long parts of the fast path: it would be a third of what a class takes to build.
///
/// # Safety
///
/// As for [`grant`], and the view has begun by this admission.
#[cfg_attr(not(debug_assertions), inline(always))]
unsafe fn enter<'a, D: Evaluated, const AT_ONCE: bool>(
    block: NonNull<Header>,
    descriptor: &'static Descriptor,
    flags: Flags,
    admission: &Admission,
    dims: Option<D>,
) -> Result<Grant<'a>, Denied> {
    // SAFETY: the caller vouches for the owner, which keeps its block alive.
    let lock = &unsafe { block.as_ref() }.lock;
    let is_first = dims.is_some();
    // SAFETY: the view is counted: it is the claimer's, or the layout is published.
    match unsafe { settle::<D, AT_ONCE>(block, descriptor, flags, admission.access(), dims) } {
        Ok(grant) => {
            if is_first {
                lock.publish(admission);
            }
            Ok(grant)
        }
        Err(denied) => Err(give_back(lock, admission, denied)),
    }
}

/// Resolves the layout if this is the first view, and answers the request.
///
/// # Safety
///
/// The owner of the block is borrowed for `'a`, and a view is counted as `access`. With `dims` the caller has claimed
/// the first view and not published yet; without them the layout is published.
#[inline(always)]
unsafe fn settle<'a, D: Evaluated, const AT_ONCE: bool>(
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
        // The next view after the last one has ended is the common case, and then nothing has to be computed again.
        if !layout.is_still(descriptor, &dims, header) {
            if AT_ONCE {
                return Err(Denied::LayoutNeeded);
            }
            // SAFETY: as the caller vouches; `layout` is not used afterwards.
            let resolved = unsafe { resolve(block, descriptor, &dims.declaration(descriptor)) };
            // SAFETY: as the caller vouches.
            let memory = || unsafe { Header::memory(block) };
            resolved.map_err(|error| Denied::Misfit { error, memory: memory() })?;
        }
    } else if !layout.is_of(descriptor) {
        // `AT_ONCE` does not compute the reason: that would call another function, and cost every view the registers
        // that the call takes.
        return Err(if AT_ONCE { Denied::LayoutNeeded } else { ViewError::ForeignLayout.into() });
    }
    // SAFETY: as above.
    let layout = unsafe { header.published() };
    let usual = access == usual_access(descriptor);
    match layout.granted.answer(flags).filter(|_| usual) {
        Some(answer) => Ok(Grant { block, access, usual, answer, stable: false, owner: PhantomData }),
        None if AT_ONCE => Err(Denied::Unanswered(Unanswered::by(layout.facts_in_bits()))),
        None => {
            let (access, answer) = answer(header, layout, flags, access)?;
            Ok(Grant { block, access, usual: false, answer, stable: false, owner: PhantomData })
        }
    }
}

/// Answers a request that the layout's table does not grant, or whose access is not the usual one of the class. The
/// view is counted as `access`; the result says how it is counted from now on.
fn answer(header: &Header, layout: &Published, flags: Flags, access: ViewKind) -> Result<(ViewKind, Answer), Denied> {
    // Overlapping items make a layout read-only even in a class that is not.
    let facts = layout.facts();
    let becomes_readonly = facts.readonly && access == ViewKind::Writable;
    let readonly = facts.readonly || access == ViewKind::ReadOnly;
    let answer = request::answer(flags, Facts { readonly, ..facts })?;
    if becomes_readonly && !header.lock.downgrade() {
        return Err(blocked(header, flags, Blocker::Full));
    }
    Ok((if readonly { ViewKind::ReadOnly } else { access }, answer))
}

/// The access of a class's views, if neither a guard nor the layout reduces it.
#[inline(always)]
const fn usual_access(descriptor: &Descriptor) -> ViewKind {
    if descriptor.readonly { ViewKind::ReadOnly } else { ViewKind::Writable }
}

fn blocked(header: &Header, flags: Flags, blocker: Blocker) -> Denied {
    let blocker = if header.kind.imports { blocker.naming_import() } else { blocker };
    ViewError::Blocked { writable: flags.writable(), blocker, held: Held::by(header, blocker) }.into()
}

/// Updates the layout to what the class declares and to the memory that the storage has now.
///
/// # Safety
///
/// The block is alive; the caller has claimed the first view and not published yet; no reference to the layout exists.
#[cold]
#[inline(never)]
unsafe fn resolve(
    block: NonNull<Header>,
    descriptor: &'static Descriptor,
    declared: &Declaration<'_>,
) -> Result<(), LayoutError> {
    // SAFETY: the caller vouches for a live block.
    let header = unsafe { block.as_ref() };
    // SAFETY: the caller is the claimer, so no other thread reads or writes it (invariant 4).
    let layout = unsafe { header.layout_mut() };
    // SAFETY: the caller's claim excludes write guards (invariant 8), so no thread writes it (invariant 2).
    let own = unsafe { Header::own_layout(block) };
    // SAFETY: the caller vouches for a live block.
    let memory = unsafe { Header::memory(block) };
    layout.resolve(descriptor, &own.map_or(*declared, |own| own.unless_declared(declared)), memory, header.data())
}

impl<'a> Grant<'a> {
    #[inline(always)]
    pub(crate) fn header(&self) -> &'a Header {
        // SAFETY: the owner is borrowed for `'a`, and keeps its block alive.
        unsafe { self.block.as_ref() }
    }

    /// The ticket of the view, as an ordinary one.
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket { block: self.block, access: self.access }
    }

    pub(super) fn is_stable(&self) -> bool {
        self.stable
    }

    /// What the view stores in `Py_buffer.internal`.
    #[inline(always)]
    fn internal(&self) -> *mut c_void {
        let Self { block, access, .. } = *self;
        if self.stable { StableTicket(block).to_internal() } else { Ticket { block, access }.to_internal() }
    }

    /// Makes a stable view of a read-only one. The caller has begun a read guard, which ends with the view.
    pub(super) fn with_guard(mut self) -> Self {
        self.stable = true;
        self
    }

    /// The layout of the whole cell.
    #[inline(always)]
    pub(crate) fn layout(&self) -> &Published {
        // SAFETY: the view is counted, and its layout is published or this view is the claimer (invariant 4).
        unsafe { self.header().published() }
    }

    /// The layout that the memory has of its own, if it may have one.
    #[cfg(all(feature = "pickle", feature = "ndarray"))]
    pub(crate) fn own_layout(&self) -> Option<&OwnLayout> {
        // SAFETY: the owner keeps its block alive, and the view excludes write guards.
        unsafe { Header::own_layout(self.block) }
    }

    /// Whether the consumer may not write.
    pub(crate) fn is_readonly(&self) -> bool {
        self.access == ViewKind::ReadOnly
    }

    /// Pins the memory: it stays in place until the object dies.
    #[inline(always)]
    pub(crate) fn pin(&self) {
        self.header().pin.set(self.access);
    }

    /// Counts the view as one that cannot write.
    ///
    /// # Errors
    ///
    /// The count of read-only views is full.
    pub(crate) fn downgrade(&mut self) -> Result<(), Blocker> {
        if self.access == ViewKind::Writable {
            if !self.header().lock.downgrade() {
                return Err(Blocker::Full);
            }
            self.access = ViewKind::ReadOnly;
        }
        Ok(())
    }

    /// Transfers the view to the consumer: writes its description, and returns the address of its first item. Code that
    /// has the description's `internal` is responsible for releasing the view. `indirect` is that of the layout; a
    /// caller may know it at compile time.
    ///
    /// # Safety
    ///
    /// `description` may be written.
    #[inline(always)]
    pub(crate) unsafe fn hand_out(self, description: *mut Description, indirect: bool) -> *mut u8 {
        let layout = self.layout();
        let buf = layout.buf();
        // SAFETY: the caller vouches for it, and the layout was resolved.
        unsafe { layout.describe(description, self.answer, self.internal(), indirect) };
        if !self.usual {
            // SAFETY: as above, and it was written.
            let shown = unsafe { &mut *description };
            shown.readonly = c_int::from(self.access == ViewKind::ReadOnly);
        }
        mem::forget(self);
        buf
    }

    /// Transfers the view to a view of a part, which shows other items of the memory.
    pub(crate) fn leave(self) -> Ticket {
        let ticket = self.ticket();
        mem::forget(self);
        ticket
    }
}

impl Drop for Grant<'_> {
    fn drop(&mut self) {
        if self.stable {
            self.header().lock.end_stable();
        }
        // This is never the last reference to the block, which has an owner.
        let _ = self.header().lock.release(self.access);
    }
}
