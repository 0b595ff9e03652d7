//! Whether the memory of a storage may be written.

/// What Python and Rust may do with the elements of a [`Storage`](super::Storage): [`ReadWrite`] or [`ReadOnly`].
///
/// # Safety
///
/// Only these two types implement it: the trait is sealed.
pub unsafe trait Access: sealed::Sealed + Send + Sync + 'static {
    #[doc(hidden)]
    const READONLY: bool;
}

/// The elements have one owner, which allows writing.
#[derive(Debug, Clone, Copy)]
pub enum ReadWrite {}

/// The elements are never written while the storage is in a cell, because other code may be reading them.
///
/// Classes export such a storage read-only, whether they declare `readonly` or not.
#[derive(Debug, Clone, Copy)]
pub enum ReadOnly {}

// SAFETY: one of the two.
unsafe impl Access for ReadWrite {
    const READONLY: bool = false;
}

// SAFETY: one of the two.
unsafe impl Access for ReadOnly {
    const READONLY: bool = true;
}

/// [`ReadWrite`], as a bound.
///
/// # Safety
///
/// The type is `ReadWrite`.
#[diagnostic::on_unimplemented(
    message = "the elements of a storage that is `{Self}` cannot be written, and so not shared with those who write",
    label = "this storage is `{Self}`",
    note = "borrow the elements with `read`: views of this storage are read-only, so that it is granted beside them"
)]
pub unsafe trait MayWrite: Access {}

// SAFETY: the type is `ReadWrite`.
#[diagnostic::do_not_recommend]
unsafe impl MayWrite for ReadWrite {}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::ReadWrite {}
    impl Sealed for super::ReadOnly {}
}
