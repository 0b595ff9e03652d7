//! `memmap2::Mmap` and `MmapMut`: the bytes of a file that is mapped.
//!
//! What another process does to the file is beyond any lock of this one, as the documentation of memmap2 says, whose
//! constructors are unsafe for it. Bytes that it writes show in every view. When it makes the file shorter, reading or writing
//! the pages that are gone is a fault (SIGBUS on Unix, an access violation on Windows) that no Rust and no Python code can
//! catch: it ends the process. Map files that only you change, or a copy (`MmapOptions::map_copy`, and then copy what has to
//! stay); and look at the file's length before you trust one that others can reach.

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
