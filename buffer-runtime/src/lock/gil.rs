//! The lock of interpreters that have a GIL.
//!
//! Views and guards begin while attached, so their counts need no locked instruction to begin; only guards may end on a
//! detached thread, and only the owner may go on one.
//!
//! 1. `views` is changed by attached threads alone; a plain load and store is a step that no other view can split.
//! 2. A guard begins attached. So a count of 0 guards that an attached thread has seen stays 0 until it is done.
//! 3. Whoever holds the owner by `&mut` excludes new views and new guards. A count of 0 that it has seen is final.
//! 4. The count and the layout it stands for change together, since no Python code runs between claim and publication:
//!    a count above 0 means a published layout.

use super::atomic::{AtomicU32, AtomicU64, Ordering};
use super::{Blocker, Closing, Disowned, GuardKind, Missed, Released, ViewKind, Views, Wants};

/// Bits of `views`: writable views (31), a bit that is never set, read-only views (30), a bit that is never set, ORPHAN. A
/// count that would spill into the bit above it is full.
const WRITABLE_COUNT: u64 = (1 << 31) - 1;
const READONLY_SHIFT: u32 = ViewKind::ReadOnly as u32;
const READONLY_COUNT: u64 = (1 << 30) - 1;
/// The owner is gone, and the last view frees the block.
const ORPHAN: u64 = 1 << 63;

/// Bits of `guards`: the count in the low 30, the kind in the two above.
const GUARDS: u32 = (1 << 30) - 1;
const KIND_SHIFT: u32 = 30;

#[derive(Debug)]
pub(crate) struct Lock {
    /// Views that are alive, and whether the owner is gone. Invariants 1 and 4.
    views: AtomicU64,
    /// Guards that are alive, all of one kind. Invariant 2.
    guards: AtomicU32,
    /// What would be padding. See `lock`.
    _rest: AtomicU32,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Lock>() == size_of::<AtomicU64>() + 2 * size_of::<AtomicU32>());

/// A view that may begin, as long as nothing has run in between.
#[derive(Debug)]
pub(crate) struct Admission {
    access: ViewKind,
    /// What `views` will be.
    next: u64,
}

impl Admission {
    /// Counts one more view, if the count has room.
    #[inline(always)]
    fn to(views: u64, access: ViewKind) -> Option<Self> {
        let next = views + one(access);
        let spilled = match access {
            ViewKind::Writable => WRITABLE_COUNT + 1,
            ViewKind::ReadOnly => (READONLY_COUNT + 1) << READONLY_SHIFT,
        };
        (next & spilled == 0).then_some(Self { access, next })
    }

    #[inline(always)]
    pub(crate) fn access(&self) -> ViewKind {
        self.access
    }

    /// Whether no view is alive, so that a layout has to be published.
    #[inline(always)]
    pub(crate) fn is_first(&self) -> bool {
        self.next == one(self.access)
    }
}

#[inline(always)]
const fn one(access: ViewKind) -> u64 {
    1 << access as u32
}

fn unpack(views: u64) -> Views {
    let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    Views { writable: count(views & WRITABLE_COUNT), readonly: count(views >> READONLY_SHIFT & READONLY_COUNT) }
}

impl Lock {
    pub(crate) fn new() -> Self {
        Self { views: AtomicU64::new(0), guards: AtomicU32::new(0), _rest: AtomicU32::new(0) }
    }

    /// A lock with room for no more read-only views, and for one more read guard.
    #[cfg(all(test, not(loom)))]
    pub(super) fn nearly_full() -> Self {
        let kind = (GuardKind::Read as u32) << KIND_SHIFT;
        Self {
            views: AtomicU64::new(READONLY_COUNT << READONLY_SHIFT),
            guards: AtomicU32::new(kind | (GUARDS - 1)),
            ..Self::new()
        }
    }

    /// Asks whether a view may begin. Attached.
    #[inline(always)]
    pub(crate) fn admit(&self, wants: Wants) -> Result<Admission, Blocker> {
        // Acquire pairs with the Release of a guard that ended on another thread: its writes are in the memory, and in
        // the captured parts, that this view will see.
        let guards = self.guards.load(Ordering::Acquire);
        let access = if guards & GUARDS == 0 {
            if wants.may_write { ViewKind::Writable } else { ViewKind::ReadOnly }
        } else {
            GuardKind::from_bits(guards >> KIND_SHIFT).admit_view(guards & GUARDS, wants)?
        };
        // Relaxed: by invariant 1 the last change was made by a thread that was attached before us.
        let views = self.views.load(Ordering::Relaxed);
        Admission::to(views, access).ok_or(Blocker::Full)
    }

    /// As [`admit`](Self::admit) for the common case: `None` where a guard or a full count wants a closer look.
    #[inline(always)]
    pub(crate) fn admit_unguarded(&self, access: ViewKind) -> Option<Admission> {
        // Acquire and Relaxed as in `admit`.
        if self.guards.load(Ordering::Acquire) & GUARDS != 0 {
            return None;
        }
        let views = self.views.load(Ordering::Relaxed);
        Admission::to(views, access)
    }

    /// Begins the first view. Attached, with nothing run since `admit`.
    #[inline(always)]
    #[expect(clippy::unnecessary_wraps, reason = "the other lock may miss it")]
    pub(crate) fn claim(&self, admission: &Admission) -> Result<(), Missed> {
        self.enter(admission);
        Ok(())
    }

    /// Says that the layout of the view that was claimed is in place.
    #[inline(always)]
    #[expect(clippy::unused_self, reason = "the other lock has something to store here")]
    pub(crate) fn publish(&self) {}

    /// Takes back a claim.
    #[inline(always)]
    pub(crate) fn abandon(&self, access: ViewKind) -> Released {
        self.release(access)
    }

    /// Begins one more view of the published layout. Attached, with nothing run since `admit`.
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

    /// Ends a view. Attached. Unless nobody is left, the block may be gone when this returns.
    #[inline(always)]
    pub(crate) fn release(&self, access: ViewKind) -> Released {
        let views = self.views.load(Ordering::Relaxed) - one(access);
        // Release pairs with the Acquire of an owner that goes on a detached thread: what the consumer did with the
        // memory happens before the storage is dropped.
        self.views.store(views, Ordering::Release);
        Released { views: views & !ORPHAN != 0, owner: views & ORPHAN == 0 }
    }

    /// Counts a writable view as a read-only one from now on. Attached. `false` when that count is full.
    pub(crate) fn downgrade(&self) -> bool {
        let views = self.views.load(Ordering::Relaxed);
        let Some(next) = Admission::to(views, ViewKind::ReadOnly) else { return false };
        self.views.store(next.next - one(ViewKind::Writable), Ordering::Relaxed);
        true
    }

    /// Begins a guard. Attached.
    pub(crate) fn begin(&self, kind: GuardKind) -> Result<(), Blocker> {
        // Relaxed: what is seen here is only compared; the exchange acquires.
        let mut held = self.guards.load(Ordering::Relaxed);
        loop {
            let count = held & GUARDS;
            let others = (count > 0).then(|| (GuardKind::from_bits(held >> KIND_SHIFT), count));
            kind.admit(others, self.views())?;
            if count == GUARDS {
                return Err(Blocker::Full);
            }
            let next = ((kind as u32) << KIND_SHIFT) | (count + 1);
            // Only an ending guard can get in between, by invariant 2. Acquire pairs with its Release.
            match self.guards.compare_exchange(held, next, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => held = now,
            }
        }
    }

    /// Begins a guard for whoever has the owner by `&mut`, on any thread.
    pub(crate) fn begin_exclusive(&self, kind: GuardKind) -> Result<(), Blocker> {
        // Acquire pairs with the Release of the last view; by invariant 3 a 0 is final.
        let views = unpack(self.views.load(Ordering::Acquire));
        // Relaxed: guards borrow the owner, so those that have ended did before the `&mut` began.
        let held = self.guards.load(Ordering::Relaxed);
        let others = (held & GUARDS > 0).then(|| (GuardKind::from_bits(held >> KIND_SHIFT), held & GUARDS));
        kind.admit(others, views)?;
        // Relaxed: by invariant 3 nobody else can begin or look before the `&mut` ends.
        self.guards.store(((kind as u32) << KIND_SHIFT) | 1, Ordering::Relaxed);
        Ok(())
    }

    /// Ends a guard, on any thread.
    pub(crate) fn end(&self) {
        // Release pairs with the Acquire of whoever finds no guard: what was done under it is visible then.
        self.guards.fetch_sub(1, Ordering::Release);
    }

    /// Begins to close. Attached, and so until `close` or `stay_open`.
    pub(crate) fn begin_closing(&self) -> Result<Closing, Blocker> {
        self.begin(GuardKind::Write).map(|()| Closing::Begun)
    }

    /// Ends what `begin_closing` has begun with the state after which nothing begins.
    pub(crate) fn close(&self) {
        // A store: by the table the write guard is alone, and until it ends nobody else changes this. Release pairs with
        // the Acquire in `is_closed`: the length was set to 0 before.
        self.guards.store(((GuardKind::Closed as u32) << KIND_SHIFT) | 1, Ordering::Release);
    }

    /// Ends what `begin_closing` has begun as if nothing had been.
    pub(crate) fn stay_open(&self) {
        self.end();
    }

    /// The owner goes, on any thread, having the block by `&mut`.
    pub(crate) fn disown(&self) -> Disowned {
        // Acquire pairs with the Release of the last view; by invariant 3 a 0 is final.
        if self.views.load(Ordering::Acquire) == 0 { Disowned::Free } else { Disowned::Orphaned }
    }

    /// Marks the block of an owner that went on a detached thread. Attached. Whether the block is to be freed now.
    pub(crate) fn disown_orphan(&self) -> bool {
        let views = self.views.load(Ordering::Relaxed) | ORPHAN;
        // Relaxed: by invariant 1 the release that reads this is on a thread that is attached after us.
        self.views.store(views, Ordering::Relaxed);
        views == ORPHAN
    }

    /// Whether nothing will ever begin again.
    pub(crate) fn is_closed(&self) -> bool {
        // Acquire pairs with the Release in `close`.
        let held = self.guards.load(Ordering::Acquire);
        held & GUARDS > 0 && GuardKind::from_bits(held >> KIND_SHIFT) == GuardKind::Closed
    }

    pub(crate) fn views(&self) -> Views {
        unpack(self.views.load(Ordering::Relaxed))
    }
}
