//! Why a view was not granted.

use crate::error::ViewError;
use crate::layout::{LayoutError, Memory};
use crate::request::{Refusal, Unanswered};

/// Why a view was not granted. Nothing has changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// It would be the first view, and the declared numbers are not evaluated.
    LayoutNeeded,
    /// The lock changed meanwhile; start over.
    Changed,
    /// The first view has not published its layout in time; start over after other threads have run.
    Unpublished,
    /// The declaration does not describe the memory.
    Misfit { error: LayoutError, memory: Memory },
    /// Trying again would not help.
    Refused(ViewError),
    /// The layout's table does not answer the request; only `grant_at_once` returns this.
    Unanswered(Unanswered),
}

/// Why a view was not granted at once. Nothing has changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAtOnce {
    /// Something is in the way, or has to be computed.
    Untried,
    /// It would be the first view, and the user's expressions are not evaluated.
    Unevaluated,
    /// Another thread has changed the lock meanwhile.
    Changed,
    /// The table of the layout, which is the one that the class declares, does not answer the request.
    Unanswered(Unanswered),
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
