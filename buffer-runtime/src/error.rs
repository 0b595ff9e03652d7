//! Why a borrow or a request was refused, and the words that say so.
//!
//! Nothing here knows Python: each error is a value that a caller can compare, and its `Display` is the text that a
//! `BufferError` shows. A message names who is in the way and what to do about it.

use std::fmt;

use crate::fork;
use crate::layout::LayoutError;
use crate::request::Refusal;

/// Who holds a cell, and so stands in the way of whoever asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blocker {
    /// Python views are alive.
    Views { writable: u32, readonly: u32 },
    /// Read guards are alive in Rust.
    ReadGuards(u32),
    /// Share guards are alive in Rust.
    ShareGuards(u32),
    /// The write guard is alive in Rust, or was leaked.
    WriteGuard,
    /// The storage was taken out by `close`, or left to its views by `detach`.
    Closed,
    /// A view of a class with `pin` was granted, and whoever asked for it may have kept the bare address.
    Pinned { writable: bool },
    /// There is no memory for a copy to go on with.
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

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const REMEDY: &str = "release or delete every view first";
        const RETURN: &str = "try again when the call that holds it has returned";
        match *self {
            Self::Views { writable, readonly: 0 } => write!(f, "{}; {REMEDY}", Alive(writable, "writable view")),
            Self::Views { writable: 0, readonly } => write!(f, "{}; {REMEDY}", Alive(readonly, "read-only view")),
            Self::Views { writable, readonly } => {
                write!(f, "{writable} writable and {readonly} read-only views are alive; {REMEDY}")
            }
            Self::ReadGuards(count) => write!(f, "{} in Rust; {RETURN}", Alive(count, "read guard")),
            Self::ShareGuards(count) => write!(f, "{} in Rust; {RETURN}", Alive(count, "share guard")),
            Self::WriteGuard => write!(f, "Rust is changing it (a write guard is alive); {RETURN}"),
            Self::Closed => f.write_str("it is closed"),
            Self::Pinned { writable } => {
                let kind = if writable { "writable view" } else { "view" };
                write!(
                    f,
                    "the memory is pinned, since a {kind} of it was granted; it stays where it is until the object dies"
                )
            }
            Self::OutOfMemory => {
                f.write_str("views are alive, and there is no memory for a copy; release every view first")
            }
            Self::Full => f.write_str("too many views or guards are alive"),
            Self::Publishing => f.write_str("another thread is granting its first view; try again"),
        }?;
        if self.is_held_by_a_thread() && fork::happened() {
            f.write_str(
                "; but this process was forked: what another thread held then stays held here, and only a new object is \
                 free of it",
            )?;
        }
        Ok(())
    }
}

impl Blocker {
    /// Whether it goes away when a thread goes on, which may be none of this process.
    fn is_held_by_a_thread(self) -> bool {
        match self {
            Self::Views { .. } | Self::ReadGuards(_) | Self::ShareGuards(_) | Self::WriteGuard | Self::Publishing => {
                true
            }
            Self::Closed | Self::Pinned { .. } | Self::OutOfMemory | Self::Full => false,
        }
    }
}

/// What a caller of [`ExportCell`](crate::ExportCell) was about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    Write,
    Read,
    Share,
    Close,
    Detach,
    Take,
}

/// An [`ExportCell`](crate::ExportCell) could not be borrowed, mostly because a Python view or another guard is alive.
///
/// Its text says who is in the way: `cannot resize: 2 writable views are alive; release or delete every view first`.
/// `?` turns it into Python's `BufferError`. Nothing has changed when it is returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BorrowError {
    attempt: Attempt,
    blocker: Blocker,
}

impl BorrowError {
    pub(crate) fn new(attempt: Attempt, blocker: Blocker) -> Self {
        Self { attempt, blocker }
    }

    /// Whether the cell was closed: this error will not go away by waiting.
    pub fn is_closed(&self) -> bool {
        self.blocker == Blocker::Closed
    }

    /// Whether the memory is pinned, having been viewed through a class with `#[buffer(pin)]`: this error will not go away by
    /// waiting either.
    pub fn is_pinned(&self) -> bool {
        matches!(self.blocker, Blocker::Pinned { .. })
    }

    /// Whether there was no memory for the copy that [`write_or_detach`](crate::ExportCell::write_or_detach) makes. `?` turns
    /// it into Python's `MemoryError`.
    pub fn is_out_of_memory(&self) -> bool {
        self.blocker == Blocker::OutOfMemory
    }

    /// How many Python views stand in the way: 0 when something else does. Read-only views do not stand in the way of
    /// [`read`](crate::ExportCell::read).
    pub fn views(&self) -> usize {
        match self.blocker {
            Blocker::Views { writable, readonly } => writable as usize + readonly as usize,
            _ => 0,
        }
    }
}

impl fmt::Display for BorrowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attempt = match self.attempt {
            Attempt::Write => "resize",
            Attempt::Read => "read",
            Attempt::Share => "share",
            Attempt::Close => "close",
            Attempt::Detach => "detach",
            Attempt::Take => "take the storage",
        };
        write!(f, "cannot {attempt}: {}", self.blocker)
    }
}

impl std::error::Error for BorrowError {}

/// Why a view was not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ViewError {
    /// The lock is held by somebody.
    Blocked { writable: bool, blocker: Blocker },
    /// The declared shape does not describe the storage.
    Layout(LayoutError),
    /// The layout cannot be handed out in the way that was asked for.
    Request(Refusal),
    /// Views of another class's layout are alive: the cell was swapped between objects.
    ForeignLayout,
}

impl fmt::Display for ViewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blocked { writable: true, blocker } => write!(f, "cannot grant a writable view: {blocker}"),
            Self::Blocked { writable: false, blocker } => write!(f, "cannot grant a view: {blocker}"),
            Self::Layout(error) => write!(f, "cannot grant a view: {error}"),
            Self::Request(refusal) => refusal.fmt(f),
            Self::ForeignLayout => f.write_str(
                "cannot grant a view: the memory is still viewed through an object of another class; release those views first",
            ),
        }
    }
}

impl From<LayoutError> for ViewError {
    fn from(error: LayoutError) -> Self {
        Self::Layout(error)
    }
}

impl From<Refusal> for ViewError {
    fn from(refusal: Refusal) -> Self {
        Self::Request(refusal)
    }
}
