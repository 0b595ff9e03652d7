//! The lock of free-threaded interpreters: one atomic word, changed only by read-modify-write.
//!
//! Other threads may act between any two steps. So the first view declares in a second atomic, `published`, when the
//! layout that it has written may be read.
//!
//! 1. Only the thread whose compare-exchange raised the views from 0 to 1 writes the layout, and only until it
//!    publishes or abandons. It flips PARITY in that same step.
//! 2. `published` equals the word's parity if and only if the layout of this epoch is in place. (An epoch lasts from a
//!    first view to the last one.) A joiner that reads the same parity before and after it has counted itself reads the
//!    layout of its own epoch: between the two reads `published` can only be the value of the previous epoch, NONE, or
//!    the value of this epoch.
//! 3. After its decrement a releaser touches the block only if it is the one to free it.
//! 4. CLOSING is set and cleared in the same step as the write guard that it belongs to. Only in the closed state does
//!    it stay set without that guard. So no view is alive, and none begins, while CLOSING is set.

mod admission;
#[allow(dead_code, reason = "only the feature `pickle` imports memory")]
mod import;

pub(crate) use self::admission::Admission;

use super::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use super::{Beside, Blocker, Closing, Disowned, GuardKind, Missed, Released, ViewKind, Views, Wants};

/// Bits of the word: views (20), a bit that is never set, how many of them are read-only (20), guards (17), TRACED, the
/// kind of the guards (2), CLOSING, OWNED, PARITY. The count of views is full if one more would set the bit above it.
const VIEW_COUNT: u64 = (1 << 20) - 1;
const ONE_TOO_MANY: u64 = 1 << 20;
const READONLY_SHIFT: u32 = 21;
const READONLY_ONE: u64 = 1 << READONLY_SHIFT;
/// From the discriminant of `ReadOnly` to `READONLY_ONE`.
const KIND_TO_READONLY: u32 = READONLY_SHIFT - (ViewKind::ReadOnly as u32).trailing_zeros();
const GUARD_SHIFT: u32 = 41;
const GUARD_BITS: u32 = 17;
const GUARD_COUNT: u64 = (1 << GUARD_BITS) - 1;
const GUARD_ONE: u64 = 1 << GUARD_SHIFT;
/// Views are traced: none is granted at once.
const TRACED: u64 = 1 << (GUARD_SHIFT + GUARD_BITS);
const KIND_SHIFT: u32 = GUARD_SHIFT + GUARD_BITS + 1;
const KIND_MASK: u64 = 3 << KIND_SHIFT;
/// The write guard belongs to a thread that closes the cell.
const CLOSING: u64 = 1 << 61;
const OWNED: u64 = 1 << 62;
/// The highest bit, which one shift reads.
const PARITY: u64 = 1 << 63;

/// No layout is in place: none was published yet, or the last claim was abandoned.
const NONE: u8 = u8::MAX;

/// How often a joiner checks for the publication: much longer than writing a few words takes.
#[cfg(not(buffer_loom))]
const SPINS: usize = 10_000;
#[cfg(buffer_loom)]
const SPINS: usize = 2;

#[derive(Debug)]
pub(crate) struct Lock {
    /// All counts. Invariants 1 and 3.
    word: AtomicU64,
    /// The parity of the epoch whose layout is in place, or NONE. Invariant 2.
    published: AtomicU8,
    /// Fills what would be padding. See `lock`.
    _rest: [AtomicU8; 3],
    /// How many of the read guards belong to stable views. The count is higher while a stable view begins or ends. It
    /// is 1 if the memory is imported, which grants no stable views.
    stable: AtomicU32,
}

#[cfg(not(buffer_loom))]
const _: () = assert!(size_of::<Lock>() == size_of::<AtomicU64>() + 4 * size_of::<AtomicU8>() + size_of::<AtomicU32>());

/// What a view adds to the word. Computed, because a choice between two constants takes more instructions.
#[inline(always)]
const fn one(access: ViewKind) -> u64 {
    1 + ((access as u64) << KIND_TO_READONLY)
}

const _: () = assert!(one(ViewKind::Writable) == 1 && one(ViewKind::ReadOnly) == 1 + READONLY_ONE);

#[inline(always)]
fn parity(word: u64) -> u8 {
    u8::from(word & PARITY != 0)
}

fn low_u32(word: u64, mask: u64) -> u32 {
    u32::try_from(word & mask).unwrap_or(u32::MAX)
}

fn views_of(word: u64) -> Views {
    let readonly = low_u32(word >> READONLY_SHIFT, VIEW_COUNT);
    Views { writable: low_u32(word, VIEW_COUNT) - readonly, readonly }
}

fn guards_of(word: u64) -> Option<(GuardKind, u32)> {
    let count = low_u32(word >> GUARD_SHIFT, GUARD_COUNT);
    (count > 0).then(|| (GuardKind::from_bits(low_u32(word >> KIND_SHIFT, 3)), count))
}

impl Lock {
    pub(crate) fn new() -> Self {
        Self {
            word: AtomicU64::new(OWNED),
            published: AtomicU8::new(NONE),
            _rest: Default::default(),
            stable: AtomicU32::new(0),
        }
    }

    /// Decides whether a view may begin.
    #[inline(always)]
    pub(crate) fn admit(&self, wants: Wants) -> Result<Admission, Blocker> {
        // Relaxed: no other memory is read because of this value; `claim` and `join` acquire.
        let word = self.word.load(Ordering::Relaxed);
        let access = match guards_of(word) {
            None if wants.may_write => ViewKind::Writable,
            None => ViewKind::ReadOnly,
            Some((kind, count)) => kind.admit_view(count, wants).map_err(|blocker| self.naming_stable(blocker))?,
        };
        let admission = Admission::to(word, access);
        if admission.next & ONE_TOO_MANY == 0 { Ok(admission) } else { Err(Blocker::Full) }
    }

    /// As [`admit`](Self::admit) for the common case: `None` if there is a guard or a full count, which `admit`
    /// handles, or if views are traced.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn admit_unguarded(&self, access: ViewKind) -> Option<Admission> {
        // Relaxed as in `admit`.
        let admission = Admission::to(self.word.load(Ordering::Relaxed), access);
        (admission.next & (GUARD_COUNT << GUARD_SHIFT | TRACED | ONE_TOO_MANY) == 0).then_some(admission)
    }

    /// Begins the first view: from now on, until `publish` or `abandon`, this thread alone may write the layout.
    #[inline(always)]
    pub(crate) fn claim(&self, admission: &Admission) -> Result<(), Missed> {
        let next = admission.next ^ PARITY;
        // Acquire pairs with the Release of the previous epoch's last view (its reads of the layout are over) and of
        // the last guard (its writes to the memory and to the captured parts are visible).
        match self.word.compare_exchange(admission.word, next, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => Ok(()),
            Err(_) => Err(Missed::Changed),
        }
    }

    /// Declares that the layout of the view that was claimed by this admission is in place.
    #[inline(always)]
    pub(crate) fn publish(&self, admission: &Admission) {
        // By invariant 1 the word still has the parity that the claim gave it.
        // Release pairs with the Acquire in `join`: the layout was written before.
        self.published.store(parity(admission.word ^ PARITY), Ordering::Release);
    }

    /// Undoes a claim.
    #[inline(always)]
    pub(crate) fn abandon(&self, access: ViewKind) -> Released {
        // Relaxed: NONE allows no thread to read anything; the release below orders this store before the next claim.
        self.published.store(NONE, Ordering::Relaxed);
        self.release(access)
    }

    /// Begins one more view of the published layout.
    #[inline(always)]
    pub(crate) fn join(&self, admission: &Admission) -> Result<(), Missed> {
        // Relaxed: the read that decides is the second one.
        if self.published.load(Ordering::Relaxed) != parity(admission.word) {
            self.await_publication(admission)?;
        }
        // Acquire as in `claim`: a guard may have ended since the first view began.
        if self.word.compare_exchange(admission.word, admission.next, Ordering::Acquire, Ordering::Relaxed).is_err() {
            return Err(Missed::Changed);
        }
        // Acquire pairs with the Release in `publish`. The word may have passed through another epoch and returned to
        // the same value. Only this second read, made with the view counted, detects that (invariant 2).
        if self.published.load(Ordering::Acquire) == parity(admission.word) {
            return Ok(());
        }
        let released = self.release(admission.access);
        debug_assert!(released.owner, "whoever joins has a living owner");
        Err(Missed::Changed)
    }

    /// Waits for the first view's layout, for a bounded time. Inline: a call would make every view save registers.
    #[inline(always)]
    fn await_publication(&self, admission: &Admission) -> Result<(), Missed> {
        for _ in 0..SPINS {
            #[cfg(not(buffer_loom))]
            std::hint::spin_loop();
            #[cfg(buffer_loom)]
            loom::thread::yield_now();
            // Relaxed as in `join`.
            if self.published.load(Ordering::Relaxed) == parity(admission.word) {
                return Ok(());
            }
            // Relaxed: it is only compared. After a change the exchange in `join` would fail.
            if self.word.load(Ordering::Relaxed) != admission.word {
                return Err(Missed::Changed);
            }
        }
        Err(Missed::Unpublished)
    }

    /// Ends a view. If other views or the owner are left, the block may be freed before this returns.
    #[inline(always)]
    pub(crate) fn release(&self, access: ViewKind) -> Released {
        // Release pairs with the Acquire of the thread that frees, writes or claims next: the consumer is done with the
        // memory and with the layout.
        // An addition, because the processor has no other such instruction that returns the word, and the sign costs
        // nothing here.
        let before = self.word.fetch_add(one(access).wrapping_neg(), Ordering::Release);
        let left = Released { views: before & VIEW_COUNT != 1, owner: before & OWNED != 0 };
        // If a view or the owner is left, not even a reference to the lock may be made from here on (invariant 3).
        if left.is_last() {
            // Acquire pairs with the Release of every view, guard and owner that ended before. A load, because
            // ThreadSanitizer does not support fences.
            self.word.load(Ordering::Acquire);
        }
        left
    }

    /// Counts a writable view as a read-only one from now on. There is always room for it.
    pub(crate) fn downgrade(&self) -> bool {
        // Relaxed: the view stays counted, and no other memory is read or written because of this value.
        self.word.fetch_add(READONLY_ONE, Ordering::Relaxed);
        true
    }

    /// Begins a guard in the steps of a cell.
    #[cfg(test)]
    pub(crate) fn begin(&self, kind: GuardKind) -> Result<Beside, Blocker> {
        if self.begin_alone(kind) { Ok(Beside::NoGuard) } else { self.begin_beside_others(kind) }
    }

    /// Begins a guard in the common case: `false` if there is another guard, a view that refuses this one, or
    /// if the word changes meanwhile, which `begin_beside_others` handles.
    #[inline(always)]
    pub(crate) fn begin_alone(&self, kind: GuardKind) -> bool {
        let word = self.word.load(Ordering::Relaxed);
        let excluded = match kind {
            GuardKind::Read => views_of(word).writable > 0,
            GuardKind::Share => false,
            GuardKind::Write | GuardKind::Closed => word & VIEW_COUNT != 0,
        };
        if excluded || word & GUARD_COUNT << GUARD_SHIFT != 0 {
            return false;
        }
        let next = ((word & !KIND_MASK) | ((kind as u64) << KIND_SHIFT)) + GUARD_ONE;
        // Acquire pairs with the Release of the views and guards that have ended.
        self.word.compare_exchange(word, next, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Begins a guard, if [`begin_alone`](Self::begin_alone) has not.
    pub(crate) fn begin_beside_others(&self, kind: GuardKind) -> Result<Beside, Blocker> {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let held = guards_of(word);
            kind.admit(held, views_of(word)).map_err(|blocker| self.naming_stable(blocker))?;
            if held.is_some_and(|(_, count)| u64::from(count) == GUARD_COUNT) {
                return Err(Blocker::Full);
            }
            let next = ((word & !KIND_MASK) | ((kind as u64) << KIND_SHIFT)) + GUARD_ONE;
            // Acquire pairs with the Release of the views and guards that have ended.
            match self.word.compare_exchange_weak(word, next, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Ok(Beside::found(held)),
                Err(now) => word = now,
            }
        }
    }

    /// Begins a guard for a caller that has the owner by `&mut`.
    pub(crate) fn begin_exclusive(&self, kind: GuardKind) -> Result<(), Blocker> {
        self.begin_beside_others(kind).map(|_| ())
    }

    /// Ends a guard.
    pub(crate) fn end(&self) {
        // Release pairs with the Acquire of the thread that next finds no guard: what was done under it is visible
        // then.
        self.word.fetch_sub(GUARD_ONE, Ordering::Release);
    }

    /// Ends a write guard.
    pub(crate) fn end_write(&self) {
        self.end();
    }

    /// Begins to close. A thread that finds another one closing sees what the earlier views and guards have done.
    pub(crate) fn begin_closing(&self) -> Result<Closing, Blocker> {
        // Acquire: the thread that set CLOSING did so by a read-modify-write, which continues the release sequences of
        // the views and guards before it. It also pairs with the Release in `close`, where the blocker is `Closed`.
        let mut word = self.word.load(Ordering::Acquire);
        loop {
            let held = guards_of(word);
            if word & CLOSING != 0 && held.is_some_and(|(kind, _)| kind == GuardKind::Write) {
                return Ok(Closing::Underway);
            }
            GuardKind::Write.admit(held, views_of(word)).map_err(|blocker| self.naming_stable(blocker))?;
            let next = ((word & !KIND_MASK) | ((GuardKind::Write as u64) << KIND_SHIFT) | CLOSING) + GUARD_ONE;
            // Acquire pairs with the Release of the views and guards that have ended.
            match self.word.compare_exchange_weak(word, next, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Ok(Closing::Begun),
                Err(now) => word = now,
            }
        }
    }

    /// Ends what `begin_closing` began, on this thread or on another, by entering the closed state, in which nothing
    /// begins.
    pub(crate) fn close(&self) {
        // Release pairs with the Acquire in `is_closed` and `begin_closing`: the length was set to 0 before.
        self.word.fetch_or((GuardKind::Closed as u64) << KIND_SHIFT, Ordering::Release);
    }

    /// Ends what `begin_closing` began on this thread, and restores the state before it.
    pub(crate) fn stay_open(&self) {
        // Release as in `end`.
        self.word.fetch_sub(GUARD_ONE + CLOSING, Ordering::Release);
    }

    /// The owner is being dropped; the caller has the block by `&mut`.
    pub(crate) fn disown(&self) -> Disowned {
        // Release pairs with the Acquire of the view that frees the block: the owner is done with it.
        if self.word.fetch_and(!OWNED, Ordering::Release) & VIEW_COUNT != 0 {
            return Disowned::LeftToViews;
        }
        // Acquire as in `release`.
        self.word.load(Ordering::Acquire);
        Disowned::Free
    }

    /// Whether the lock is in the closed state, in which nothing ever begins again.
    pub(crate) fn is_closed(&self) -> bool {
        // Acquire pairs with the Release in `close`.
        guards_of(self.word.load(Ordering::Acquire)).is_some_and(|(kind, _)| kind == GuardKind::Closed)
    }

    /// Begins the read guard of a stable view, by a call of `begin`.
    pub(crate) fn begin_stable(&self, begin: impl FnOnce() -> Result<Beside, Blocker>) -> Result<(), Blocker> {
        // Count it before the guard begins: a thread that finds the guard also finds it counted.
        // Relaxed: nothing else is read because of it.
        self.stable.fetch_add(1, Ordering::Relaxed);
        begin().map(|_| ()).inspect_err(|_| self.uncount_stable())
    }

    /// Ends the read guard of a stable view, which is still counted as a read-only view.
    pub(crate) fn end_stable(&self) {
        self.end();
        self.uncount_stable();
    }

    fn uncount_stable(&self) {
        // Relaxed as in `begin_stable`.
        self.stable.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many stable views are alive; 1 if the memory is imported.
    pub(crate) fn stable_views(&self) -> u32 {
        // Relaxed: they are only reported.
        self.stable.load(Ordering::Relaxed)
    }

    fn naming_stable(&self, blocker: Blocker) -> Blocker {
        blocker.naming_stable(self.stable.load(Ordering::Relaxed))
    }

    /// Turns the tracing of views on or off.
    pub(crate) fn trace(&self, on: bool) {
        // Relaxed, here and below: nothing is read because of this bit. Load first, because most calls change nothing.
        if (self.word.load(Ordering::Relaxed) & TRACED != 0) == on {
            return;
        }
        if on {
            self.word.fetch_or(TRACED, Ordering::Relaxed);
        } else {
            self.word.fetch_and(!TRACED, Ordering::Relaxed);
        }
    }

    /// The guards that are alive.
    pub(crate) fn guards(&self) -> Option<(GuardKind, u32)> {
        // Relaxed: they are only reported.
        guards_of(self.word.load(Ordering::Relaxed))
    }

    pub(crate) fn views(&self) -> Views {
        views_of(self.word.load(Ordering::Relaxed))
    }
}
