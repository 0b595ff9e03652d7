//! Values with a fixed address, even if their owner moves. An exporter may make pointers of a `Py_buffer` point into
//! the `Py_buffer` itself.

use std::alloc::{self, Layout};
use std::hint;
use std::ptr::NonNull;

use pyo3::{PyResult, Python, ffi};

use crate::pending::raised;

/// A value in its own allocation. Not a `Box`: moving a `Box` asserts that no other pointer into it is in use.
///
/// 1. The pointer is to an allocation for one `T`. The value is initialised, and the drop of the `Fixed` frees it.
/// 2. This type makes no reference to the value. Code that uses the pointer ensures that accesses do not race.
pub(crate) struct Fixed<T: Copy>(NonNull<T>);

impl<T: Copy> Fixed<T> {
    /// Moves a value into its own allocation.
    ///
    /// # Errors
    ///
    /// `MemoryError`.
    pub(crate) fn new(py: Python<'_>, value: T) -> PyResult<Self> {
        const { assert!(size_of::<T>() > 0) }
        // SAFETY: the size is not 0.
        let allocation = unsafe { alloc::alloc(Layout::new::<T>()) };
        // Hidden from the compiler, which would allocate zeroed memory for a value of zeros. glibc takes such memory from
        // no cache of the thread, which costs more than a view.
        Self::at(py, hint::black_box(allocation), value)
    }

    /// As [`new`](Self::new), in this allocation, which is NULL if the allocator has failed.
    fn at(py: Python<'_>, allocation: *mut u8, value: T) -> PyResult<Self> {
        let Some(place) = NonNull::new(allocation.cast::<T>()) else {
            // CPython has this exception preallocated. Any other would need memory.
            // SAFETY: attached, as the token proves.
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
        // SAFETY: by invariant 1 the value was allocated with this layout, and is freed only here.
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
