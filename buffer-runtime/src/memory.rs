//! Allocations that return an error if there is no memory. The standard library would abort the process, which code
//! that Python calls must not do.

use std::alloc::{self, Layout};
use std::ffi::{CStr, CString};
use std::ptr::NonNull;

/// There is no memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoMemory;

/// As `Box::new`.
pub(crate) fn boxed<T>(value: T) -> Result<Box<T>, NoMemory> {
    let mut only = Vec::new();
    push(&mut only, value)?;
    let only: *mut [T] = Box::into_raw(only.into_boxed_slice());
    // SAFETY: the pointer is from a Box of a slice of one value, which has the layout of that value.
    Ok(unsafe { Box::from_raw(only.cast()) })
}

/// As `alloc::alloc`.
///
/// # Safety
///
/// The size of the layout is not 0.
pub(crate) unsafe fn allocate(layout: Layout) -> Result<NonNull<u8>, NoMemory> {
    // SAFETY: the caller vouches for the size.
    NonNull::new(unsafe { alloc::alloc(layout) }).ok_or(NoMemory)
}

/// As `Vec::push`. An empty vector gets room for only this value, so converting it to a boxed slice does not allocate.
pub(crate) fn push<T>(vector: &mut Vec<T>, value: T) -> Result<(), NoMemory> {
    let reserved = if vector.is_empty() { vector.try_reserve_exact(1) } else { vector.try_reserve(1) };
    reserved.map_err(|_| NoMemory)?;
    vector.push(value);
    Ok(())
}

/// As `Iterator::collect`, for iterators with an exact length.
pub(crate) fn collect<T>(values: impl ExactSizeIterator<Item = T>) -> Result<Vec<T>, NoMemory> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(values.len()).map_err(|_| NoMemory)?;
    let room = vector.capacity();
    // An iterator that yields more values than its length must not make the vector grow.
    vector.extend(values.take(room));
    Ok(vector)
}

/// As `Box::<str>::from`.
pub(crate) fn text(text: &str) -> Result<Box<str>, NoMemory> {
    let mut copy = String::new();
    copy.try_reserve_exact(text.len()).map_err(|_| NoMemory)?;
    copy.push_str(text);
    Ok(copy.into_boxed_str())
}

/// As `CStr::to_owned`.
pub(crate) fn c_string(text: &CStr) -> Result<CString, NoMemory> {
    let bytes = collect(text.to_bytes_with_nul().iter().copied())?;
    CString::from_vec_with_nul(bytes).map_err(|_| NoMemory)
}
