//! A view that may begin, without a GIL.

use super::{VIEW_COUNT, one};
use crate::lock::ViewKind;

/// A view that may begin, if the word has not changed since.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(super) access: ViewKind,
    pub(super) word: u64,
    /// The word with this view counted.
    pub(super) next: u64,
}

impl Admission {
    #[inline(always)]
    pub(super) fn to(word: u64, access: ViewKind) -> Self {
        Self { access, word, next: word + one(access) }
    }

    #[inline(always)]
    pub(crate) fn access(&self) -> ViewKind {
        self.access
    }

    /// Whether no view is alive, so that this view must publish a layout.
    #[inline(always)]
    pub(crate) fn is_first(&self) -> bool {
        self.word & VIEW_COUNT == 0
    }
}
