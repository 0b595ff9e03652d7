//! `bytes::Bytes`, a handle to bytes that other handles may share: read-only.

use std::ptr::NonNull;

use bytes::Bytes;

use crate::storage::{ReadOnly, Storage, of_slice};

// SAFETY: a handle keeps its bytes in place and alive, and nothing writes the shared bytes (1, 2, 5, 7). Getting their
// address cannot fail (3, 4), and `Bytes` is Send (6).
unsafe impl Storage for Bytes {
    type Element = u8;
    type Access = ReadOnly;

    const STABLE: bool = true;

    unsafe fn raw(this: *mut Self) -> (NonNull<u8>, usize) {
        // SAFETY: the caller vouches for valid `Bytes`. Shared references to the bytes are harmless, since nothing
        // writes them.
        let bytes = unsafe { &**this };
        of_slice(bytes)
    }
}
