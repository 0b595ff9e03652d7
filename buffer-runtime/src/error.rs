//! Why a borrow or a request was refused, and the text of the error.
//!
//! Nothing here depends on Python: each error is a value that a caller can compare, and its `Display` is the text of
//! the `BufferError`. A message names what conflicts and what to do about it.

use std::fmt;
use std::panic::Location;

use crate::cell::{GuardPlace, Header};
use crate::layout::LayoutError;
use crate::lock::{Blocker, Where};
use crate::request::Refusal;
use crate::trace::{self, InTheWay, Taken};

/// What a caller of [`ExportCell`](crate::ExportCell) tried to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// To borrow a storage whose length may change.
    Resize,
    /// To borrow a storage to change only its elements.
    Write,
    /// To borrow a storage whose elements are read-only, to replace it.
    Replace,
    Read,
    Share,
    Close,
    Detach,
    Take,
}

/// Where the views or guards that refuse an operation were taken. It has two words, which a function returns in
/// registers; if it were larger, guards that are granted would pay for the errors of those that are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// There is no place, or it is not known.
    Unknown,
    /// Views, while tracing is off.
    Untraced,
    Views(&'static Taken),
    /// See [`GuardPlace::Of`].
    Guard(&'static Location<'static>),
    /// See [`GuardPlace::OfLast`].
    LastGuard(&'static Location<'static>),
}

impl Held {
    /// Finds where the views or guards of the blocker were taken.
    #[cold]
    #[inline(never)]
    pub(crate) fn by(header: &Header, blocker: Blocker) -> Self {
        match blocker {
            Blocker::Views { .. } | Blocker::StableViews { .. } if !trace::is_on() => Self::Untraced,
            Blocker::Views { writable, readonly } => {
                trace::taken(header, InTheWay { writable, readonly, stable: 0 }).map_or(Self::Unknown, Self::Views)
            }
            Blocker::StableViews { stable, .. } => {
                trace::taken(header, InTheWay { stable, ..InTheWay::default() }).map_or(Self::Unknown, Self::Views)
            }
            Blocker::ReadGuards(_) | Blocker::ShareGuards(_) | Blocker::WriteGuard => match header.guard_place() {
                Some(GuardPlace::Of(location)) => Self::Guard(location),
                Some(GuardPlace::OfLast(location)) => Self::LastGuard(location),
                None => Self::Unknown,
            },
            _ => Self::Unknown,
        }
    }

    fn place(&self) -> Where<'_> {
        let hint = if *self == Self::Untraced { "; set BUFFER_TRACE=1 to see where" } else { "" };
        Where { taken: self, hint }
    }
}

/// Prints the text that follows the number of views or guards.
impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown | Self::Untraced => Ok(()),
            Self::Views(taken) => write!(f, ", taken {taken}"),
            Self::Guard(location) => write!(f, ", taken at {location}"),
            Self::LastGuard(location) => write!(f, ", most recently taken at {location}"),
        }
    }
}

/// An [`ExportCell`](crate::ExportCell) could not be borrowed, in most cases because a Python view or another guard is
/// alive.
///
/// Its text names what conflicts: `cannot read: 2 writable views are alive; release or delete every view first`. `?`
/// turns it into Python's `BufferError`. A refused borrow changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BorrowError {
    attempt: Attempt,
    blocker: Blocker,
    held: Held,
}

impl BorrowError {
    pub(crate) fn new(attempt: Attempt, blocker: Blocker, held: Held) -> Self {
        Self { attempt, blocker, held }
    }

    /// Whether the cell was closed: waiting does not help.
    pub fn is_closed(&self) -> bool {
        self.blocker == Blocker::Closed
    }

    /// Whether the memory is pinned, because it was viewed through a class with `#[buffer(pin)]`: waiting does not
    /// help.
    pub fn is_pinned(&self) -> bool {
        matches!(self.blocker, Blocker::Pinned { .. })
    }

    /// Whether there was no memory for the copy that [`write_or_detach`](crate::ExportCell::write_or_detach) makes, or
    /// for the closed cell that [`detach`](crate::ExportCell::detach) leaves behind. `?` turns it into Python's
    /// `MemoryError`.
    pub fn is_out_of_memory(&self) -> bool {
        self.blocker == Blocker::OutOfMemory
    }

    /// How many Python views are in the way; 0 if something else is. Read-only views are never in the way of
    /// [`read`](crate::ExportCell::read).
    pub fn views(&self) -> usize {
        match self.blocker {
            Blocker::Views { writable, readonly } => writable as usize + readonly as usize,
            Blocker::StableViews { stable, guards: 0 } => stable as usize,
            _ => 0,
        }
    }

    /// How many tensors, held by consumers of DLPack, are in the way; 0 if something else is.
    pub fn tensors(&self) -> usize {
        match self.blocker {
            Blocker::Tensors(tensors) => tensors as usize,
            _ => 0,
        }
    }
}

impl fmt::Display for BorrowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attempt = match self.attempt {
            Attempt::Resize => "resize",
            Attempt::Write => "borrow for writing",
            Attempt::Replace => "replace the storage",
            Attempt::Read => "read",
            Attempt::Share => "share",
            Attempt::Close => "close",
            Attempt::Detach => "detach",
            Attempt::Take => "take the storage",
        };
        let shareable = matches!(self.attempt, Attempt::Resize | Attempt::Write);
        write!(f, "cannot {attempt}: {}", self.blocker.of_a_borrow(shareable, self.held.place()))
    }
}

impl std::error::Error for BorrowError {}

/// Why a view was not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ViewError {
    /// The lock does not admit the view.
    Blocked { writable: bool, blocker: Blocker, held: Held },
    /// The lock does not admit a stable view.
    Unstable { blocker: Blocker, held: Held },
    /// The declared shape does not describe the storage.
    Layout(LayoutError),
    /// The layout cannot be described in the way that the request requires.
    Request(Refusal),
    /// Views of another class's layout are alive: the cell was swapped between objects.
    ForeignLayout,
}

impl ViewError {
    /// Whether there is no memory for the layout.
    pub(crate) fn is_out_of_memory(&self) -> bool {
        matches!(self, Self::Layout(LayoutError::OutOfMemory))
    }

    /// The text, if it contains no numbers.
    pub(crate) fn static_text(&self) -> Option<&'static str> {
        match self {
            Self::Request(refusal) => Some(refusal.text()),
            Self::ForeignLayout => Some(
                "cannot grant a view: the memory is still viewed through an object of another class, or another field; release those views first",
            ),
            Self::Blocked { .. } | Self::Unstable { .. } | Self::Layout(_) => None,
        }
    }
}

impl fmt::Display for ViewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blocked { writable, blocker, held } => {
                let kind = if *writable { "writable view" } else { "view" };
                write!(f, "cannot grant a {kind}: {}", blocker.of_a_view(held.place()))
            }
            Self::Unstable { blocker, held } => {
                write!(f, "cannot grant a stable view: {}", blocker.of_a_view(held.place()))
            }
            Self::Layout(error) => write!(f, "cannot grant a view: {error}"),
            Self::Request(_) | Self::ForeignLayout => f.write_str(self.static_text().unwrap_or_default()),
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
