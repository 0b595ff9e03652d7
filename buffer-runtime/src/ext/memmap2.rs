//! `memmap2::Mmap` and `MmapMut`: the bytes of a file that is mapped.
//!
//! `Storage` documents what no lock can do for files that other processes change.

use std::ptr::NonNull;

use memmap2::{Mmap, MmapMut};

use crate::storage::{ReadOnly, ReadWrite, Storage, of_slice};

// SAFETY: a mapping stays in place until it is dropped, nobody in this process writes it, and whoever made it vouches for the
// others (1, 2, 5). Looking where it is cannot fail (3, 4), and `Mmap` is Send (6).
unsafe impl Storage for Mmap {
    type Element = u8;
    type Access = ReadOnly;

    unsafe fn raw(this: *mut Self) -> (NonNull<u8>, usize) {
        // SAFETY: the caller vouches for a valid mapping.
        let bytes: &[u8] = unsafe { &*this };
        of_slice(bytes)
    }
}

// SAFETY: a mapping stays in place until it is dropped, is writable and nobody else's in this process, and whoever made it
// vouches for the other processes (1, 2, 5). Looking where it is cannot fail and leaves no reference (3, 4), and `MmapMut` is
// Send (6).
unsafe impl Storage for MmapMut {
    type Element = u8;
    type Access = ReadWrite;

    unsafe fn raw(this: *mut Self) -> (NonNull<u8>, usize) {
        // SAFETY: the caller vouches for a valid mapping that nobody else refers to.
        let bytes: &mut [u8] = unsafe { &mut *this };
        (NonNull::from(&mut *bytes).cast(), bytes.len())
    }
}
