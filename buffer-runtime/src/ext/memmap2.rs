//! `memmap2::Mmap` and `MmapMut`: the bytes of a file that is mapped.
//!
//! `Storage` documents why no lock protects files that other processes change.

use std::ptr::NonNull;

use memmap2::{Mmap, MmapMut};

use crate::storage::{ReadOnly, ReadWrite, Storage, of_slice};

// SAFETY: a mapping stays in place until it is dropped, nothing in this process writes it, and the caller of memmap2's
// constructor vouches for the other processes (1, 2, 5). Getting its address cannot fail (3, 4), and `Mmap` is Send
// (6).
unsafe impl Storage for Mmap {
    type Element = u8;
    type Access = ReadOnly;

    const DROPS_PLAINLY: bool = true;

    unsafe fn raw(this: *mut Self) -> (NonNull<u8>, usize) {
        // SAFETY: the caller vouches for a valid mapping.
        let bytes: &[u8] = unsafe { &*this };
        of_slice(bytes)
    }
}

// SAFETY: a mapping stays in place until it is dropped, is writable, has no other owner in this process, and the caller
// of memmap2's constructor vouches for the other processes (1, 2, 5). Getting its address cannot fail, and the
// reference to it ends with the call (3, 4), and `MmapMut` is Send (6).
unsafe impl Storage for MmapMut {
    type Element = u8;
    type Access = ReadWrite;

    const DROPS_PLAINLY: bool = true;

    unsafe fn raw(this: *mut Self) -> (NonNull<u8>, usize) {
        // SAFETY: the caller vouches for a valid mapping without other references.
        let bytes: &mut [u8] = unsafe { &mut *this };
        (NonNull::from(&mut *bytes).cast(), bytes.len())
    }
}
