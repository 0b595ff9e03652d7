//! Allocations that may fail. Those of the standard library end the process where there is no memory, which nothing that Python
//! calls may do.

use std::ffi::{CStr, CString};

/// There is no memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoMemory;

/// As `Box::new`.
pub(crate) fn boxed<T>(value: T) -> Result<Box<T>, NoMemory> {
    let mut only = Vec::new();
    push(&mut only, value)?;
    let only: *mut [T] = Box::into_raw(only.into_boxed_slice());
    // SAFETY: it comes from a Box, of a slice of one value, which has the layout of that value.
    Ok(unsafe { Box::from_raw(only.cast()) })
}

/// As `Vec::push`. An empty vector gets room for this value alone, so that making a boxed slice of it takes no memory.
pub(crate) fn push<T>(vector: &mut Vec<T>, value: T) -> Result<(), NoMemory> {
    let reserved = if vector.is_empty() { vector.try_reserve_exact(1) } else { vector.try_reserve(1) };
    reserved.map_err(|_| NoMemory)?;
    vector.push(value);
    Ok(())
}

/// As `Iterator::collect`, for iterators that know how long they are.
pub(crate) fn collect<T>(values: impl ExactSizeIterator<Item = T>) -> Result<Vec<T>, NoMemory> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(values.len()).map_err(|_| NoMemory)?;
    let room = vector.capacity();
    // However many come: an iterator that is wrong about it is not to grow the vector.
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
