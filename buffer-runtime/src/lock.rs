//! The view-count lock: who may look at a cell's memory, and who may move it.
//!
//! Python views and Rust guards share one lock. It never blocks: whoever is in the way makes the newcomer fail with a
//! [`Blocker`]. There are two of them with one interface, and a build has one: `gil` leans on the GIL and costs
//! no locked instruction, `free_threaded` is one atomic word that is only ever changed by read-modify-write.
//!
//! | held                | view  | write | read | share |
//! |---------------------|-------|-------|------|-------|
//! | writable views      | yes   | no    | no   | yes   |
//! | read-only views     | yes   | no    | yes  | yes   |
//! | read guards         | read-only | no | yes | no    |
//! | share guards        | yes   | no    | no   | yes   |
//! | the write guard     | no    | no    | no   | no    |
//!
//! The life of a view is `admit` (may it begin?), then `claim` and `publish` by the first one or `join` by a later one,
//! then `release`. Between `admit` and `claim` user code may run; between `claim` and `publish` none does.
//!
//! A lock consists of atomics alone, without padding. Another thread may free the block when a release has taken its view off the
//! count and not returned yet: a reference that a function has as its argument allows that for what is atomic, and for nothing
//! else.

mod blocker;
#[cfg(any(test, loom, atomic_lock))]
pub(crate) mod free_threaded;
#[cfg(any(test, loom, not(atomic_lock)))]
pub(crate) mod gil;
mod pin;

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(atomic_lock)]
pub(crate) use free_threaded::{Admission, Lock};
#[cfg(not(atomic_lock))]
pub(crate) use gil::{Admission, Lock};

pub(crate) use blocker::Blocker;
pub(crate) use pin::Pin;

/// The atomics of this build: loom's when it explores the interleavings.
#[cfg(loom)]
use loom::sync::atomic;
#[cfg(not(loom))]
use std::sync::atomic;

/// What a view may do with the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ViewKind {
    Writable,
    /// As a number, how far its count stands above the other in a word of counts: what makes it cheap to find.
    ReadOnly = 32,
}

/// What a new view asks of the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wants {
    /// The exporter allows writing.
    pub(crate) may_write: bool,
    /// The consumer insists on writing.
    pub(crate) must_write: bool,
}

/// The three kinds of guard, and the state after the end, which is a guard that is never dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum GuardKind {
    Read,
    Share,
    Write,
    Closed,
}

impl GuardKind {
    /// What `count` guards of this kind are called when they are in somebody's way.
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

/// Why a view has not begun that was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missed {
    /// The lock changed since `admit`: ask again.
    #[cfg_attr(not(atomic_lock), allow(dead_code, reason = "nothing changes between two steps under the GIL"))]
    Changed,
    /// The first view has not published in time.
    #[cfg_attr(not(atomic_lock), allow(dead_code, reason = "nothing changes between two steps under the GIL"))]
    Unpublished,
}

/// What a call that closes has found, when nothing is in its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closing {
    /// This call has the memory to itself, and goes on to `close` or `stay_open`.
    Begun,
    /// Another thread has begun to close.
    #[cfg_attr(not(atomic_lock), allow(dead_code, reason = "nobody else is attached meanwhile under the GIL"))]
    Underway,
}

/// Who is left after a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Released {
    /// Whether other views are alive.
    pub(crate) views: bool,
    /// Whether the owner is; or it has left the block on the orphan queue.
    pub(crate) owner: bool,
}

impl Released {
    /// Whether nobody is left: the caller frees the block.
    #[inline(always)]
    pub(crate) fn is_last(self) -> bool {
        !self.views && !self.owner
    }
}

/// Who frees the block when the owner goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disowned {
    /// No view is alive: the owner frees the block, now.
    Free,
    /// Views are alive; the last one frees the block.
    #[cfg_attr(not(atomic_lock), allow(dead_code, reason = "this lock queues instead"))]
    LeftToViews,
    /// Views are alive and this thread may not touch their count: the block goes on the orphan queue.
    #[cfg_attr(atomic_lock, allow(dead_code, reason = "this lock leaves no orphans"))]
    Orphaned,
}
