//! The view-count lock: which views and guards of a cell's memory may exist at the same time.
//!
//! Python views and Rust guards share one lock. It never blocks: a view or guard that conflicts with an existing one is
//! refused with a [`Blocker`]. There are two locks with one interface, and a build uses one of them: `gil` relies on
//! the GIL, so that views need no locked instruction; `free_threaded` is one atomic word that is only changed by
//! read-modify-write.
//!
//! | held                | view  | write | read | share |
//! |---------------------|-------|-------|------|-------|
//! | writable views      | yes   | no    | no   | yes   |
//! | read-only views     | yes   | no    | yes  | yes   |
//! | read guards         | read-only | no | yes | no    |
//! | share guards        | yes   | no    | no   | yes   |
//! | the write guard     | no    | no    | no   | no    |
//!
//! A stable view is a read-only view and a read guard of its own (`cell::stable`).
//!
//! The life of a view: `admit` (may it begin?), then `claim` and `publish` for the first view or `join` for a later
//! one, then `release`. User code may run between `admit` and `claim`; none runs between `claim` and `publish`.
//!
//! A lock consists of atomics alone, without padding. `release` takes `&self`, and another thread may free the block
//! after the view was uncounted and before `release` returns. Rust allows memory to be freed under a reference that is
//! a function argument only where that memory is atomic (an `UnsafeCell`); padding is not.

mod blocker;
#[cfg(any(test, atomic_lock))]
pub(crate) mod free_threaded;
#[cfg(any(test, not(atomic_lock)))]
pub(crate) mod gil;
mod holds;
mod pin;

#[cfg(all(test, not(buffer_loom)))]
mod tests;

#[cfg(atomic_lock)]
pub(crate) use free_threaded::{Admission, Lock};
#[cfg(not(atomic_lock))]
pub(crate) use gil::{Admission, Lock};

pub(crate) use blocker::{Blocker, Where};
pub(crate) use holds::Holds;
pub(crate) use pin::Pin;

/// Whether other threads may change the lock between two steps of a view.
pub(crate) const CHANGES_BETWEEN_STEPS: bool = cfg!(atomic_lock);

/// The atomics of this build: loom's when loom explores the interleavings.
#[cfg(buffer_loom)]
use loom::sync::atomic;
#[cfg(not(buffer_loom))]
use std::sync::atomic;

/// What a view may do with the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ViewKind {
    Writable,
    /// The discriminant is the position of this kind's count in `gil`'s word of view counts: one view is `1 << kind`.
    /// `free_threaded` shifts the discriminant itself.
    ReadOnly = 32,
}

/// What a new view requires of the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wants {
    /// The exporter allows writing.
    pub(crate) may_write: bool,
    /// The consumer requests a writable view (`PyBUF_WRITABLE`).
    pub(crate) must_write: bool,
}

/// The three kinds of guard, and the closed state, which counts as a guard that is never dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum GuardKind {
    Read,
    Share,
    Write,
    Closed,
}

impl GuardKind {
    /// The [`Blocker`] that `count` guards of this kind are.
    fn blocker(self, count: u32) -> Blocker {
        match self {
            Self::Read => Blocker::ReadGuards(count),
            Self::Share => Blocker::ShareGuards(count),
            Self::Write => Blocker::WriteGuard,
            Self::Closed => Blocker::Closed,
        }
    }

    fn from_bits(bits: u32) -> Self {
        match bits & 3 {
            0 => Self::Read,
            1 => Self::Share,
            2 => Self::Write,
            _ => Self::Closed,
        }
    }

    /// Decides what a new view may do beside `count` guards of this kind: the first column of the table.
    fn admit_view(self, count: u32, wants: Wants) -> Result<ViewKind, Blocker> {
        let writable = if wants.may_write { ViewKind::Writable } else { ViewKind::ReadOnly };
        match self {
            Self::Share => Ok(writable),
            Self::Read if !wants.must_write => Ok(ViewKind::ReadOnly),
            _ => Err(self.blocker(count)),
        }
    }

    /// Decides whether a guard of this kind may begin: the other columns.
    fn admit(self, held: Option<(Self, u32)>, views: Views) -> Result<(), Blocker> {
        if let Some((kind, count)) = held {
            let shared = self == kind && matches!(self, Self::Read | Self::Share);
            if !shared {
                return Err(kind.blocker(count));
            }
        }
        let in_the_way = match self {
            Self::Read => Views { readonly: 0, ..views },
            Self::Share => Views { writable: 0, readonly: 0 },
            Self::Write | Self::Closed => views,
        };
        if in_the_way.total() > 0 { Err(in_the_way.blocker()) } else { Ok(()) }
    }
}

/// How many views are alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Views {
    pub(crate) writable: u32,
    pub(crate) readonly: u32,
}

impl Views {
    pub(crate) fn total(self) -> usize {
        self.writable as usize + self.readonly as usize
    }

    fn blocker(self) -> Blocker {
        Blocker::Views { writable: self.writable, readonly: self.readonly }
    }
}

/// Why an admitted view did not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missed {
    /// The lock changed since `admit`: start over with `admit`.
    #[cfg_attr(not(atomic_lock), allow(dead_code, reason = "nothing changes between two steps under the GIL"))]
    Changed,
    /// The first view has not published in time.
    #[cfg_attr(not(atomic_lock), allow(dead_code, reason = "nothing changes between two steps under the GIL"))]
    Unpublished,
}

/// What was alive when a guard began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beside {
    NoGuard,
    Guards,
}

impl Beside {
    #[inline(always)]
    fn found(held: Option<(GuardKind, u32)>) -> Self {
        if held.is_some() { Self::Guards } else { Self::NoGuard }
    }
}

/// What `begin_closing` found, when nothing conflicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closing {
    /// This call has exclusive access to the memory; `close` or `stay_open` follows.
    Begun,
    /// Another thread has begun to close the cell.
    #[cfg_attr(not(atomic_lock), allow(dead_code, reason = "nobody else is attached meanwhile under the GIL"))]
    Underway,
}

/// What is left after a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Released {
    /// Whether other views are alive.
    pub(crate) views: bool,
    /// Whether the owner is alive. An owner that was dropped counts as alive until its block is taken off the orphan
    /// queue.
    pub(crate) owner: bool,
}

impl Released {
    /// Whether nothing is left: the caller frees the block, unless leases hold it ([`Holds`]).
    #[cfg(any(test, fuzzing, atomic_lock))]
    #[inline(always)]
    pub(crate) fn is_last(self) -> bool {
        !self.views && !self.owner
    }
}

/// What frees the block after the owner was dropped, unless leases hold it ([`Holds`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disowned {
    /// No view is alive: the owner frees the block, now.
    Free,
    /// Views are alive; the last one frees the block.
    #[cfg_attr(not(atomic_lock), allow(dead_code, reason = "this lock queues instead"))]
    LeftToViews,
    /// Views are alive and this thread must not change their count: the block is pushed on the orphan queue.
    #[cfg_attr(atomic_lock, allow(dead_code, reason = "this lock leaves no orphans"))]
    Orphaned,
}
