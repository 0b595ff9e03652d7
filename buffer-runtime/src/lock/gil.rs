//! The lock of interpreters that have a GIL.
//!
//! Views begin and end on attached threads, so that neither needs a locked instruction. Guards begin on attached
//! threads, or under `&mut` of the owner; they may end on a detached thread. The owner may be dropped on a detached
//! thread.
//!
//! 1. Only attached threads change `views`. A plain load and store is a step that no other view can split.
//! 2. A guard begins attached, or excludes new views by invariant 3. So a count of 0 guards that an attached thread has
//!    read while it grants a view or begins a guard stays 0 until the thread detaches, unless it begins a guard itself.
//! 3. A caller that has the owner by `&mut` excludes new views and new guards. A count of 0 that this caller has read
//!    is final.
//! 4. The view count and the layout that it stands for change together, since no Python code runs between claim and
//!    publication: a count above 0 means a published layout.

mod admission;
#[allow(dead_code, reason = "only the feature `pickle` imports memory")]
mod import;

pub(crate) use self::admission::Admission;

use super::atomic::{AtomicU32, AtomicU64, Ordering};
use super::{Beside, Blocker, Closing, Disowned, GuardKind, Missed, Released, ViewKind, Views, Wants};

/// Bits of `views`: writable views (32), read-only views (30), a bit that is never set, ORPHAN. The count of writable
/// views is full if its highest bit is set, and the other count if one more would set the bit above it.
const WRITABLE_COUNT: u64 = (1 << 32) - 1;
const WRITABLE_FULL: u64 = 1 << 31;
const READONLY_SHIFT: u32 = ViewKind::ReadOnly as u32;
const READONLY_COUNT: u64 = (1 << 30) - 1;
/// The owner was dropped, and the last view frees the block.
const ORPHAN: u64 = 1 << 63;

/// Bits of `guards`: the count (29), TRACED, the kind (2).
const GUARDS: u32 = (1 << 29) - 1;
/// Views are traced: none is granted at once. Steps that a thread takes by a load and a store may lose this bit when
/// another thread sets it, and then it is set again later.
const TRACED: u32 = 1 << 29;
const KIND_SHIFT: u32 = 30;

#[derive(Debug)]
pub(crate) struct Lock {
    /// Views that are alive, and whether the owner was dropped. Invariants 1 and 4.
    views: AtomicU64,
    /// Guards that are alive, all of one kind, and whether views are traced. Invariant 2.
    guards: AtomicU32,
    /// How many of the read guards belong to stable views; or 1 if the memory is imported, which grants no stable
    /// views. Only attached threads change it, or a caller that has the owner by `&mut`.
    stable: AtomicU32,
}

#[cfg(not(buffer_loom))]
const _: () = assert!(size_of::<Lock>() == size_of::<AtomicU64>() + 2 * size_of::<AtomicU32>());

#[inline(always)]
const fn one(access: ViewKind) -> u64 {
    1 << access as u32
}

/// The value of `guards` with one guard of this kind.
#[inline(always)]
const fn one_guard(kind: GuardKind) -> u32 {
    ((kind as u32) << KIND_SHIFT) | 1
}

fn unpack(views: u64) -> Views {
    let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    Views { writable: count(views & WRITABLE_COUNT), readonly: count(views >> READONLY_SHIFT & READONLY_COUNT) }
}

impl Lock {
    pub(crate) fn new() -> Self {
        Self { views: AtomicU64::new(0), guards: AtomicU32::new(0), stable: AtomicU32::new(0) }
    }

    /// A lock with room for one more writable view.
    #[cfg(all(test, not(buffer_loom)))]
    pub(super) fn nearly_full_of_writable() -> Self {
        Self { views: AtomicU64::new(WRITABLE_FULL - 1), ..Self::new() }
    }

    /// A lock with room for no more read-only views, and for one more read guard.
    #[cfg(all(test, not(buffer_loom)))]
    pub(super) fn nearly_full() -> Self {
        let kind = (GuardKind::Read as u32) << KIND_SHIFT;
        Self {
            views: AtomicU64::new(READONLY_COUNT << READONLY_SHIFT),
            guards: AtomicU32::new(kind | (GUARDS - 1)),
            ..Self::new()
        }
    }

    /// Decides whether a view may begin. Attached.
    #[inline(always)]
    pub(crate) fn admit(&self, wants: Wants) -> Result<Admission, Blocker> {
        // Acquire pairs with the Release of a guard that ended on another thread: this view then sees the guard's
        // writes to the memory and to the captured parts.
        let guards = self.guards.load(Ordering::Acquire);
        let access = if guards & GUARDS == 0 {
            if wants.may_write { ViewKind::Writable } else { ViewKind::ReadOnly }
        } else {
            let admitted = GuardKind::from_bits(guards >> KIND_SHIFT).admit_view(guards & GUARDS, wants);
            admitted.map_err(|blocker| self.naming_stable(blocker))?
        };
        // Relaxed: by invariant 1 the last change was made by a thread that was attached before this one.
        let views = self.views.load(Ordering::Relaxed);
        Admission::to(views, access).ok_or(Blocker::Full)
    }

    /// As [`admit`](Self::admit) for the common case. `None` in the other cases, which `admit` handles: a guard, a full
    /// count, a writable view beside read-only views alone, or traced views.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn admit_unguarded(&self, access: ViewKind) -> Option<Admission> {
        // Acquire and Relaxed as in `admit`.
        if self.guards.load(Ordering::Acquire) & (GUARDS | TRACED) != 0 {
            return None;
        }
        let views = self.views.load(Ordering::Relaxed);
        Admission::to_at_once(views, access)
    }

    /// Begins the first view. Attached; no other code has run on this lock since `admit`.
    #[inline(always)]
    #[expect(clippy::unnecessary_wraps, reason = "the other lock may miss it")]
    pub(crate) fn claim(&self, admission: &Admission) -> Result<(), Missed> {
        self.enter(admission);
        Ok(())
    }

    /// Declares that the layout of the claimed view is in place.
    #[inline(always)]
    #[expect(clippy::unused_self, reason = "the other lock has something to store here")]
    pub(crate) fn publish(&self, _admission: &Admission) {}

    /// Undoes a claim.
    #[inline(always)]
    pub(crate) fn abandon(&self, access: ViewKind) -> Released {
        self.release(access)
    }

    /// Begins one more view of the published layout. Attached; no other code has run on this lock since `admit`.
    #[inline(always)]
    #[expect(clippy::unnecessary_wraps, reason = "the other lock may miss it")]
    pub(crate) fn join(&self, admission: &Admission) -> Result<(), Missed> {
        self.enter(admission);
        Ok(())
    }

    #[inline(always)]
    fn enter(&self, admission: &Admission) {
        // Relaxed: by invariant 1 only attached threads add views. A dropped owner tests for zero; this is non-zero.
        self.views.store(admission.next, Ordering::Relaxed);
    }

    /// Ends a view. Attached. If other views or the owner are left, the block may be freed before this returns.
    #[inline(always)]
    pub(crate) fn release(&self, access: ViewKind) -> Released {
        let views = self.views.load(Ordering::Relaxed) - one(access);
        // Release pairs with the Acquire of an owner that is dropped on a detached thread: what the consumer did with
        // the memory happens before the storage is dropped.
        self.views.store(views, Ordering::Release);
        // ORPHAN is the sign bit, so one comparison distinguishes the three cases.
        match views.cast_signed() {
            1.. => Released { views: true, owner: true },
            ..0 => Released { views: views != ORPHAN, owner: false },
            0 => Released { views: false, owner: true },
        }
    }

    /// Counts a writable view as a read-only one from now on. Attached. `false` if that count is full.
    pub(crate) fn downgrade(&self) -> bool {
        let views = self.views.load(Ordering::Relaxed);
        let Some(next) = Admission::to(views, ViewKind::ReadOnly) else { return false };
        self.views.store(next.next - one(ViewKind::Writable), Ordering::Relaxed);
        true
    }

    /// Begins a guard in the steps of a cell. Attached.
    #[cfg(test)]
    pub(crate) fn begin(&self, kind: GuardKind) -> Result<Beside, Blocker> {
        if self.begin_alone(kind) { Ok(Beside::NoGuard) } else { self.begin_beside_others(kind) }
    }

    /// Begins a guard in the common case: `false` if there is another guard, a view that refuses this one, or
    /// if views are traced, which `begin_beside_others` handles.
    #[inline(always)]
    pub(crate) fn begin_alone(&self, kind: GuardKind) -> bool {
        let excluded = match kind {
            GuardKind::Read => WRITABLE_COUNT,
            GuardKind::Share => 0,
            GuardKind::Write | GuardKind::Closed => WRITABLE_COUNT | READONLY_COUNT << READONLY_SHIFT,
        };
        // Acquire pairs with the Release of the guards that have ended. Relaxed as in `admit`.
        let alone = self.guards.load(Ordering::Acquire) & (GUARDS | TRACED) == 0;
        if alone && self.views.load(Ordering::Relaxed) & excluded == 0 {
            // A store: by invariant 2 the count stays 0 until this thread changes it. Relaxed: the next thread that
            // begins anything is attached after this one.
            self.guards.store(one_guard(kind), Ordering::Relaxed);
            return true;
        }
        false
    }

    /// Begins a guard, if [`begin_alone`](Self::begin_alone) has not.
    pub(crate) fn begin_beside_others(&self, kind: GuardKind) -> Result<Beside, Blocker> {
        // Relaxed: this value is only compared; the exchange acquires.
        let mut held = self.guards.load(Ordering::Relaxed);
        loop {
            let count = held & GUARDS;
            let others = (count > 0).then(|| (GuardKind::from_bits(held >> KIND_SHIFT), count));
            kind.admit(others, self.views()).map_err(|blocker| self.naming_stable(blocker))?;
            if count == GUARDS {
                return Err(Blocker::Full);
            }
            let next = (one_guard(kind) + count) | held & TRACED;
            // By invariant 2 only the end of a guard can intervene, or a change of TRACED. Acquire pairs with the
            // Release of that end.
            match self.guards.compare_exchange(held, next, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Ok(Beside::found(others)),
                Err(now) => held = now,
            }
        }
    }

    /// Begins a guard for a caller that has the owner by `&mut`, on any thread.
    pub(crate) fn begin_exclusive(&self, kind: GuardKind) -> Result<(), Blocker> {
        // Acquire pairs with the Release of the last view; by invariant 3 a 0 is final.
        let views = unpack(self.views.load(Ordering::Acquire));
        // Acquire pairs with the Release of the last guard. Guards that borrow the owner have ended before the `&mut`
        // began; leases may end at any time.
        let held = self.guards.load(Ordering::Acquire);
        let others = (held & GUARDS > 0).then(|| (GuardKind::from_bits(held >> KIND_SHIFT), held & GUARDS));
        kind.admit(others, views).map_err(|blocker| self.naming_stable(blocker))?;
        // A store: `kind` is Write or Closed, so no guard is alive. Relaxed: by invariant 3 no other thread can begin a
        // view or a guard, or read this, before the `&mut` ends.
        self.guards.store(one_guard(kind) | held & TRACED, Ordering::Relaxed);
        Ok(())
    }

    /// Ends a guard, on any thread.
    #[inline]
    pub(crate) fn end(&self) {
        // Release pairs with the Acquire of the thread that next finds no guard: what was done under it is visible
        // then.
        self.guards.fetch_sub(1, Ordering::Release);
    }

    /// Ends a write guard, on any thread.
    #[inline]
    pub(crate) fn end_write(&self) {
        // A load and a store: by the table the write guard is the only one, and no other thread changes the count or
        // the kind until it ends. Relaxed: nothing is read because of TRACED. Release as in `end`.
        let traced = self.guards.load(Ordering::Relaxed) & TRACED;
        self.guards.store(traced, Ordering::Release);
    }

    /// Begins to close. Attached, and the thread stays attached until `close` or `stay_open`.
    pub(crate) fn begin_closing(&self) -> Result<Closing, Blocker> {
        self.begin_beside_others(GuardKind::Write).map(|_| Closing::Begun)
    }

    /// Ends what `begin_closing` began by entering the closed state, in which nothing begins.
    pub(crate) fn close(&self) {
        // A store: by the table the write guard is the only one, and no other thread changes the count or the kind
        // until it ends. No view that could be traced begins any more. Release pairs with the Acquire in `is_closed`:
        // the length was set to 0 before.
        self.guards.store(one_guard(GuardKind::Closed), Ordering::Release);
    }

    /// Ends what `begin_closing` began, and restores the state before it.
    pub(crate) fn stay_open(&self) {
        self.end();
    }

    /// The owner is being dropped, on any thread; the caller has the block by `&mut`.
    pub(crate) fn disown(&self) -> Disowned {
        // Acquire pairs with the Release of the last view; by invariant 3 a 0 is final.
        if self.views.load(Ordering::Acquire) == 0 { Disowned::Free } else { Disowned::Orphaned }
    }

    /// Marks a block whose owner was dropped while views were alive. Attached. Returns whether the caller must free it
    /// now.
    pub(crate) fn disown_orphan(&self) -> bool {
        let views = self.views.load(Ordering::Relaxed) | ORPHAN;
        // Relaxed: by invariant 1 the release that reads this is on a thread that is attached after this one.
        self.views.store(views, Ordering::Relaxed);
        views == ORPHAN
    }

    /// Whether the lock is in the closed state, in which nothing ever begins again.
    pub(crate) fn is_closed(&self) -> bool {
        // Acquire pairs with the Release in `close`.
        let held = self.guards.load(Ordering::Acquire);
        held & GUARDS > 0 && GuardKind::from_bits(held >> KIND_SHIFT) == GuardKind::Closed
    }

    /// Begins the read guard of a stable view, by a call of `begin`. Attached.
    pub(crate) fn begin_stable(&self, begin: impl FnOnce() -> Result<Beside, Blocker>) -> Result<(), Blocker> {
        // Count it before the guard begins: a thread that finds the guard also finds it counted.
        // Relaxed, and no read-modify-write: only attached threads change it, and nothing else is read because of it.
        self.stable.store(self.stable.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        begin().map(|_| ()).inspect_err(|_| self.uncount_stable())
    }

    /// Begins a stable view, with its read guard, beside no guard. `false` if a view is in the way, or a count is full.
    ///
    /// Attached; no other code has run on this lock since [`admit_unguarded`](Self::admit_unguarded) has found no
    /// guard.
    #[cfg_attr(atomic_lock, allow(dead_code, reason = "only this lock takes this step"))]
    #[inline]
    pub(crate) fn join_stable_unguarded(&self) -> bool {
        // Relaxed as in `admit`.
        let views = self.views.load(Ordering::Relaxed);
        let Some(admission) = Admission::to(views, ViewKind::ReadOnly).filter(|_| views & WRITABLE_COUNT == 0) else {
            return false;
        };
        self.enter(&admission);
        // Stores as in `begin`, and no stable view is counted where there is no guard.
        self.guards.store(one_guard(GuardKind::Read), Ordering::Relaxed);
        self.stable.store(1, Ordering::Relaxed);
        true
    }

    /// Ends the read guard of a stable view, which is still counted as a read-only view. Attached.
    pub(crate) fn end_stable(&self) {
        self.end();
        self.uncount_stable();
    }

    fn uncount_stable(&self) {
        // Relaxed as in `begin_stable`.
        self.stable.store(self.stable.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
    }

    /// How many stable views are alive; 1 if the memory is imported.
    pub(crate) fn stable_views(&self) -> u32 {
        // Relaxed: they are only reported.
        self.stable.load(Ordering::Relaxed)
    }

    fn naming_stable(&self, blocker: Blocker) -> Blocker {
        blocker.naming_stable(self.stable.load(Ordering::Relaxed))
    }

    /// Turns the tracing of views on or off, on any thread.
    pub(crate) fn trace(&self, on: bool) {
        // Relaxed, here and below: nothing is read because of this bit. Load first, because most calls change nothing.
        if (self.guards.load(Ordering::Relaxed) & TRACED != 0) == on {
            return;
        }
        if on {
            self.guards.fetch_or(TRACED, Ordering::Relaxed);
        } else {
            self.guards.fetch_and(!TRACED, Ordering::Relaxed);
        }
    }

    /// The guards that are alive.
    pub(crate) fn guards(&self) -> Option<(GuardKind, u32)> {
        // Relaxed: they are only reported.
        let held = self.guards.load(Ordering::Relaxed);
        (held & GUARDS > 0).then(|| (GuardKind::from_bits(held >> KIND_SHIFT), held & GUARDS))
    }

    pub(crate) fn views(&self) -> Views {
        unpack(self.views.load(Ordering::Relaxed))
    }
}
