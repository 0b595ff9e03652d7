//! The texts of refused requests as strings of Python, each made once: decoding such a text takes CPython longer than the
//! rest of a refusal.
//!
//! 1. A place holds NULL, or a string to which it has a reference that it never gives up.

use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::{Python, ffi};

use super::string_of;
use crate::request::Refusal;

/// The strings, by the discriminant of the refusal.
static TEXTS: [AtomicPtr<ffi::PyObject>; Refusal::COUNT] = [const { AtomicPtr::new(ptr::null_mut()) }; Refusal::COUNT];

/// The text of a refusal, or `None` with `MemoryError` set.
pub(super) fn text(py: Python<'_>, refusal: Refusal) -> Option<NonNull<ffi::PyObject>> {
    let place = &TEXTS[refusal as usize];
    // Acquire pairs with the Release of the thread that made the string.
    match NonNull::new(place.load(Ordering::Acquire)) {
        Some(text) => Some(text),
        None => make(py, refusal, place),
    }
}

#[cold]
#[inline(never)]
fn make(py: Python<'_>, refusal: Refusal, place: &AtomicPtr<ffi::PyObject>) -> Option<NonNull<ffi::PyObject>> {
    let text = string_of(py, refusal.text().as_bytes())?;
    // Release: the string is complete. Acquire as in `text`.
    match place.compare_exchange(ptr::null_mut(), text.as_ptr(), Ordering::AcqRel, Ordering::Acquire) {
        // The place has the reference now (1).
        Ok(_) => NonNull::new(text.into_ptr()),
        // Another thread was first.
        Err(first) => NonNull::new(first),
    }
}
