//! A view that may begin, with a GIL.

use super::{READONLY_COUNT, READONLY_SHIFT, WRITABLE_FULL, one};
use crate::lock::ViewKind;

/// A view that may begin, if no other code has run on this lock since `admit`.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(super) access: ViewKind,
    /// The value of `views` with this view counted.
    pub(super) next: u64,
    /// Whether it is the only view.
    pub(super) first: bool,
}

impl Admission {
    /// Counts one more view, if the count has room.
    #[inline(always)]
    pub(super) fn to(views: u64, access: ViewKind) -> Option<Self> {
        let next = views + one(access);
        let full = match access {
            ViewKind::Writable => views & WRITABLE_FULL,
            ViewKind::ReadOnly => next & (READONLY_COUNT + 1) << READONLY_SHIFT,
        };
        (full == 0).then_some(Self { access, next, first: views == 0 })
    }

    /// The same for the common cases, with fewer comparisons: a first view, and a view beside others like it. `None`
    /// also for a writable view beside read-only views alone.
    #[inline(always)]
    pub(super) fn to_at_once(views: u64, access: ViewKind) -> Option<Self> {
        if views == 0 {
            return Some(Self { access, next: one(access), first: true });
        }
        match access {
            ViewKind::Writable => {
                #[expect(clippy::cast_possible_truncation, reason = "the low half is the count")]
                let writable = (views as u32).cast_signed();
                // The highest bit of the count is also the sign.
                (writable > 0).then_some(Self { access, next: views + one(access), first: false })
            }
            ViewKind::ReadOnly => Self::to(views, access),
        }
    }

    #[inline(always)]
    pub(crate) fn access(&self) -> ViewKind {
        self.access
    }

    /// Whether no view is alive, so that this view must publish a layout.
    #[inline(always)]
    pub(crate) fn is_first(&self) -> bool {
        self.first
    }
}
