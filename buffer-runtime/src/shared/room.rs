//! Vectors with room for copies of elements.

use std::collections::TryReserveError;

/// An empty vector with room for `len` elements, which the caller is about to write from the first to the last.
pub(crate) fn room_for<T>(len: usize) -> Result<Vec<T>, TryReserveError> {
    let mut room: Vec<T> = Vec::new();
    room.try_reserve_exact(len)?;
    ask_for_huge_pages(room.as_mut_ptr().cast(), len * size_of::<T>());
    Ok(room)
}

/// Advises Linux to use huge pages for a large allocation, as numpy does. Otherwise most of a large copy's time is
/// spent on the first access to each of its small pages.
#[cfg(all(target_os = "linux", not(miri)))]
fn ask_for_huge_pages(start: *mut u8, bytes: usize) {
    use std::ffi::{c_int, c_void};

    /// Twice the size of a huge page on most processors. For fewer bytes the advice costs more than it saves.
    const LARGE: usize = 4 << 20;
    /// On a system with larger pages, Linux refuses an address inside a page; then nothing changes.
    const PAGE: usize = 4096;
    const MADV_HUGEPAGE: c_int = 14;

    unsafe extern "C" {
        fn madvise(start: *mut c_void, bytes: usize, advice: c_int) -> c_int;
    }

    if bytes >= LARGE {
        let before = start.addr().wrapping_neg() % PAGE;
        // SAFETY: the bytes are inside one allocation, and this advice changes no content. Its result does not matter.
        unsafe { madvise(start.wrapping_add(before).cast(), bytes - before, MADV_HUGEPAGE) };
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn ask_for_huge_pages(_start: *mut u8, _bytes: usize) {}
