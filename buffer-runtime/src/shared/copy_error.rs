//! The error of a copy of shared memory.

use std::collections::TryReserveError;
use std::fmt;

/// There was no memory for a copy of elements. See [`SharedRead::to_vec`](super::SharedRead::to_vec).
///
/// `?` turns it into Python's `MemoryError`, or into a [`TryReserveError`], as an implementation of
/// [`FromElements`](crate::FromElements) returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyError {
    len: usize,
    cause: TryReserveError,
}

impl CopyError {
    pub(super) fn new(len: usize, cause: TryReserveError) -> Self {
        Self { len, cause }
    }
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no memory for a copy of the {} items of a buffer", self.len)
    }
}

impl std::error::Error for CopyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

impl From<CopyError> for TryReserveError {
    fn from(error: CopyError) -> Self {
        error.cause
    }
}
