//! What prevents a view or a borrow of a cell, and the text of the error.

use std::fmt;

use super::Views;
use crate::fork;

/// What prevents a view or a borrow of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blocker {
    /// Python views are alive.
    Views { writable: u32, readonly: u32 },
    /// Read guards are alive in Rust.
    ReadGuards(u32),
    /// Stable views are alive in Python, and perhaps read guards in Rust besides.
    StableViews { stable: u32, guards: u32 },
    /// The memory belongs to another exporter, which has granted a view of it.
    #[allow(dead_code, reason = "only the feature `pickle` imports memory")]
    Imported,
    /// Share guards are alive in Rust.
    ShareGuards(u32),
    /// The write guard is alive in Rust, or was leaked.
    WriteGuard,
    /// The storage was moved out by `close`, or transferred to its views by `detach`.
    Closed,
    /// Tensors that consumers of DLPack hold are alive.
    Tensors(u32),
    /// A view of a class with `pin` was granted, and its consumer may have kept the bare address.
    Pinned { writable: bool },
    /// There is no memory for what the borrow needs: a copy of the elements, or a closed cell.
    OutOfMemory,
    /// A count has reached its limit; leaked guards and views add up.
    Full,
    /// Another thread is granting the first view, and did not finish in time.
    #[cfg_attr(not(atomic_lock), allow(dead_code, reason = "only the free-threaded lock can be interrupted there"))]
    Publishing,
}

/// A counted noun with its verb: "1 view is", "2 views are".
struct Alive(u32, &'static str);

impl fmt::Display for Alive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, noun) = self;
        match count {
            1 => write!(f, "1 {noun} is alive"),
            _ => write!(f, "{count} {noun}s are alive"),
        }
    }
}

/// Where the views or the guards were taken, for the text of the error.
#[derive(Clone, Copy)]
pub(crate) struct Where<'a> {
    /// Follows their number: ", taken at train.py:31 in fit". May be empty.
    pub(crate) taken: &'a dyn fmt::Display,
    /// How to learn more. May be empty.
    pub(crate) hint: &'static str,
}

/// A blocker and its remedy.
struct Explained<'a> {
    blocker: Blocker,
    place: Where<'a>,
    /// Whether the caller could share what it cannot borrow.
    shareable: bool,
}

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const REMEDY: &str = "release or delete every view first";
        const RETURN: &str = "try again when the call or thread that holds it has ended";
        let Where { taken, hint } = self.place;
        match self.blocker {
            Blocker::Views { writable, readonly: 0 } => {
                write!(f, "{}{taken}; {REMEDY}", Alive(writable, "writable view"))
            }
            Blocker::Views { writable: 0, readonly } => {
                write!(f, "{}{taken}; {REMEDY}", Alive(readonly, "read-only view"))
            }
            Blocker::Views { writable, readonly } => {
                write!(f, "{writable} writable and {readonly} read-only views are alive{taken}; {REMEDY}")
            }
            Blocker::ReadGuards(count) => write!(f, "{} in Rust{taken}; {RETURN}", Alive(count, "read guard")),
            Blocker::StableViews { stable, guards: 0 } => {
                write!(f, "{}{taken}; {REMEDY}", Alive(stable, "stable view"))
            }
            Blocker::StableViews { stable, guards } => {
                let (stable, guards) = (Alive(stable, "stable view"), Alive(guards, "read guard"));
                write!(f, "{stable}, and {guards} in Rust{taken}; {REMEDY}, and {RETURN}")
            }
            Blocker::Imported => f.write_str(
                "the memory belongs to another object, with which it arrived; copy it first, as with `copy.copy`",
            ),
            Blocker::ShareGuards(count) => write!(f, "{} in Rust{taken}; {RETURN}", Alive(count, "share guard")),
            Blocker::WriteGuard => write!(f, "Rust is changing it (a write guard is alive{taken}); {RETURN}"),
            Blocker::Closed => f.write_str("it is closed"),
            Blocker::Tensors(count) => write!(f, "{}; delete every tensor first", Alive(count, "tensor")),
            Blocker::Pinned { writable } => {
                let kind = if writable { "writable view" } else { "view" };
                write!(
                    f,
                    "the memory is pinned, since a {kind} of it was granted; it stays where it is until the object dies"
                )
            }
            Blocker::OutOfMemory => {
                f.write_str("there is no memory to continue; free some, or release every view if any is alive")
            }
            Blocker::Full => f.write_str("too many views or guards are alive; release some first"),
            Blocker::Publishing => f.write_str("another thread is granting its first view; try again"),
        }?;
        match self.blocker {
            _ if !self.shareable => {}
            Blocker::Views { .. } | Blocker::Tensors(_) | Blocker::ShareGuards(_) => {
                f.write_str(", or change values in place through `share`")?;
            }
            Blocker::Pinned { .. } => f.write_str("; change values in place through `share`")?,
            _ => {}
        }
        if self.blocker.is_held_by_a_thread() && fork::happened() {
            f.write_str(
                "; this process was forked: if another thread held it at that time, it is never released here; make a new \
                 object",
            )?;
        }
        f.write_str(hint)
    }
}

impl Blocker {
    /// The text of the error when a borrow is refused. It points to `share`, if that would be granted and the caller
    /// could use it.
    pub(crate) fn of_a_borrow(self, shareable: bool, place: Where<'_>) -> impl fmt::Display {
        Explained { blocker: self, place, shareable }
    }

    /// The text of the error when a view is refused.
    pub(crate) fn of_a_view(self, place: Where<'_>) -> impl fmt::Display {
        self.of_a_borrow(false, place)
    }

    /// Distinguishes read guards that belong to stable views from the others. `stable` is the number of stable views.
    pub(super) fn naming_stable(self, stable: u32) -> Self {
        match self {
            Self::ReadGuards(count) if stable > 0 => {
                let stable = stable.min(count);
                Self::StableViews { stable, guards: count - stable }
            }
            other => other,
        }
    }

    /// What prevents imported memory from becoming the cell's own. `guards` are the read guards, with that of the
    /// imported memory and that of the caller. Guards come first, as in [`GuardKind::admit`](super::GuardKind): if
    /// views alone are in the way, the caller may leave the memory to them.
    #[allow(dead_code, reason = "only the feature `pickle` imports memory")]
    pub(super) fn of_adoption(views: Views, guards: u32) -> Self {
        let others = guards.saturating_sub(2);
        if others == 0 && views.total() > 0 { views.blocker() } else { Self::ReadGuards(others.max(1)) }
    }

    /// Distinguishes the read guard of imported memory, which locks count as a stable view's, from the others.
    pub(crate) fn naming_import(self) -> Self {
        match self {
            Self::StableViews { guards: 0, .. } => Self::Imported,
            Self::StableViews { guards, .. } => Self::ReadGuards(guards),
            other => other,
        }
    }

    /// Whether the blocker ends when some thread continues. In a forked child, that thread may not exist.
    fn is_held_by_a_thread(self) -> bool {
        match self {
            Self::Views { .. }
            | Self::ReadGuards(_)
            | Self::StableViews { .. }
            | Self::ShareGuards(_)
            | Self::WriteGuard
            | Self::Tensors(_)
            | Self::Publishing => true,
            Self::Imported | Self::Closed | Self::Pinned { .. } | Self::OutOfMemory | Self::Full => false,
        }
    }
}
