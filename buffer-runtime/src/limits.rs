//! Limits that formats, layouts and requests share.

/// The most dimensions that the buffer protocol allows.
pub(crate) const MAX_NDIM: usize = 64;

/// How deep records may nest in a format.
pub(crate) const MAX_DEPTH: usize = 64;
