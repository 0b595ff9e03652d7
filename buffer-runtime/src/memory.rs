//! Allocations that return an error if there is no memory. The standard library would abort the process, which code
//! that Python calls must not do.

use std::alloc::{self, Layout};
use std::collections::TryReserveError;
use std::ffi::{CStr, CString};
use std::ptr::NonNull;

/// There is no memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoMemory;

impl From<TryReserveError> for NoMemory {
    fn from(_: TryReserveError) -> Self {
        Self
    }
}

/// As `Box::new`, for values that take memory.
pub(crate) fn boxed<T>(value: T) -> Result<Box<T>, NoMemory> {
    const { assert!(size_of::<T>() > 0) };
    // SAFETY: the size is not 0, as was asserted.
    let place = unsafe { allocate(Layout::new::<T>()) }?.cast::<T>();
    // SAFETY: the allocation is new, and has the layout of the value.
    unsafe { place.write(value) };
    // SAFETY: a Box allocates with the same allocator and layout; the value is written, and nothing else owns the place.
    Ok(unsafe { Box::from_raw(place.as_ptr()) })
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
    reserved?;
    vector.push(value);
    Ok(())
}

/// As `Iterator::collect`, for iterators with an exact length.
pub(crate) fn collect<T>(values: impl ExactSizeIterator<Item = T>) -> Result<Vec<T>, NoMemory> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(values.len())?;
    let room = vector.capacity();
    // An iterator that yields more values than its length must not make the vector grow.
    vector.extend(values.take(room));
    Ok(vector)
}

/// As `Box::<str>::from`.
pub(crate) fn text(text: &str) -> Result<Box<str>, NoMemory> {
    let mut copy = String::new();
    copy.try_reserve_exact(text.len())?;
    copy.push_str(text);
    Ok(copy.into_boxed_str())
}

/// As `CStr::to_owned`.
pub(crate) fn c_string(text: &CStr) -> Result<CString, NoMemory> {
    let text = text.to_bytes_with_nul();
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(text.len())?;
    bytes.extend_from_slice(text);
    CString::from_vec_with_nul(bytes).map_err(|_| NoMemory)
}
