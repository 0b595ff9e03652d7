//! Values whose address stays, whoever moves what holds them: exporters let the pointers of a `Py_buffer` lead into itself.

use std::alloc::{self, Layout};
use std::ptr::NonNull;

use pyo3::{PyResult, Python, ffi};

use crate::pending::raised;

/// A value in an allocation of its own. Not a `Box`: moving one promises that nobody else has a pointer into it.
///
/// 1. The pointer is that of an allocation for one `T`, which is initialised, and which is freed when this is dropped.
/// 2. No reference to the value is made here. Whoever uses the pointer sees to it that accesses do not race.
pub(crate) struct Fixed<T: Copy>(NonNull<T>);

impl<T: Copy> Fixed<T> {
    /// Puts a value in its place.
    ///
    /// # Errors
    ///
    /// `MemoryError`.
    pub(crate) fn new(py: Python<'_>, value: T) -> PyResult<Self> {
        const { assert!(size_of::<T>() > 0) }
        // SAFETY: the layout has a size.
        Self::at(py, unsafe { alloc::alloc(Layout::new::<T>()) }, value)
    }

    /// As [`new`](Self::new), in what the allocator has answered.
    fn at(py: Python<'_>, allocation: *mut u8, value: T) -> PyResult<Self> {
        let Some(place) = NonNull::new(allocation.cast::<T>()) else {
            // CPython keeps this exception ready. A new one would have to be allocated.
            // SAFETY: attached, as the token says.
            unsafe { ffi::PyErr_NoMemory() };
            return Err(raised(py));
        };
        // SAFETY: `new` has just allocated it for a `T`.
        unsafe { place.write(value) };
        Ok(Self(place))
    }

    pub(crate) fn as_ptr(&self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T: Copy> Drop for Fixed<T> {
    fn drop(&mut self) {
        // SAFETY: by invariant 1 it was allocated with this layout, and is freed here only.
        unsafe { alloc::dealloc(self.0.as_ptr().cast(), Layout::new::<T>()) };
    }
}

#[cfg(all(test, miri))]
mod tests {
    use std::ptr;

    use super::*;
    use crate::interpreter::{attached, memory_error};

    #[test]
    fn miri_fixed_values_raise_memory_error_where_there_is_no_room() {
        attached(|py| {
            let error = Fixed::at(py, ptr::null_mut(), [0_isize; 2]).err().unwrap();
            assert_eq!(error.value(py).as_ptr(), memory_error());
        });
    }
}
