//! `ForeignBuffer<T>`: memory that foreign code has allocated, and frees.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::slice;

use super::{Access, MayWrite, ReadOnly, ReadWrite, Storage};
use crate::element::{self, Element};

/// Elements in memory of a C library: where they are, how many, and what frees them.
///
/// In an [`ExportCell`](crate::ExportCell) the memory is freed once, when the cell and all views are gone, on the
/// thread that drops the last of them, which may be any thread. (A guard of [`share_owned`] calls no deallocator: if it
/// is the last, an attached thread does so later.) So numpy arrays stay valid after the object that exported them has
/// died. [`close`](crate::ExportCell::close) takes the buffer out of the cell, so that dropping it frees the memory at
/// once; it is refused as long as there is a view.
///
/// ```
/// use buffer_runtime::{ExportCell, ForeignBuffer};
/// # mod ffi {
/// #     pub unsafe fn numbers_new(len: usize) -> *mut i32 {
/// #         Box::into_raw(vec![0; len].into_boxed_slice()).cast()
/// #     }
/// #     pub unsafe fn numbers_free(numbers: *mut i32, len: usize) {
/// #         drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(numbers, len)) });
/// #     }
/// # }
///
/// // SAFETY: the library's own function.
/// let numbers = unsafe { ffi::numbers_new(10) };
/// // SAFETY: `numbers_new` returns 10 initialised numbers, ours until `numbers_free`, which any thread may call.
/// let numbers = unsafe { ForeignBuffer::new(numbers, 10, |numbers, len| ffi::numbers_free(numbers, len)) }?;
/// let cell = ExportCell::new(numbers);
/// # assert_eq!(cell.len(), 10);
/// # Ok::<(), buffer_runtime::ForeignBufferError>(())
/// ```
///
/// A deallocator may call Python through `Python::attach`: no other code can reach the memory by then. If an exception
/// is pending when the object dies, it is saved before the call and restored afterwards. (Not in a build for the stable
/// ABI, which cannot tell whether the thread is attached. There, begin with `PyErr::take` and end with `restore`.)
///
/// A panic of a deallocator unwinds out of the drop that called it, as from any drop. If the release of the last view
/// called it, or if the object dies while an exception is pending, no caller can receive the panic:
/// `sys.unraisablehook` gets it as PyO3's `PanicException`.
///
/// [`share_owned`]: crate::ExportCell::share_owned
pub struct ForeignBuffer<T, A = ReadWrite> {
    /// Initialised elements, valid until `free` is called; it may dangle where `len` is 0.
    data: NonNull<T>,
    len: usize,
    /// The argument of `free`: the pointer as the caller passed it, which may be null where `len` is 0.
    given: *mut T,
    /// `None` once it was called.
    free: Option<Free<T>>,
    access: PhantomData<A>,
}

type Free<T> = Box<dyn FnOnce(*mut T, usize) + Send>;

/// The pointer and the length cannot be a buffer. `?` turns it into Python's `MemoryError`, or `BufferError` where the
/// pointer is misaligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForeignBufferError {
    /// The pointer is null and the length is not 0: an allocation has probably failed.
    #[non_exhaustive]
    Null {
        /// How many elements there should be.
        len: usize,
    },
    /// The address is not a multiple of the alignment of an element.
    #[non_exhaustive]
    Misaligned {
        /// The address.
        address: usize,
        /// The alignment in bytes.
        align: usize,
    },
    /// The elements take more bytes than one piece of memory can have.
    #[non_exhaustive]
    TooLong {
        /// How many elements there should be.
        len: usize,
        /// The size of one in bytes.
        size: usize,
    },
    /// The memory would end behind the last address. The address is probably the -1 that `mmap` returns when it
    /// fails.
    #[non_exhaustive]
    PastTheEnd {
        /// The address.
        address: usize,
        /// How many bytes the elements take.
        bytes: usize,
    },
}

impl fmt::Display for ForeignBufferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null { len } => {
                write!(f, "the pointer to {len} elements is null; check whether the allocation failed")
            }
            Self::Misaligned { address, align } => write!(
                f,
                "the pointer {address:#x} is not aligned to the {align} bytes that its elements need; pass it as bytes, or as \
                 packed elements"
            ),
            Self::TooLong { len, size } => write!(
                f,
                "{len} elements of {size} bytes are more than memory can have; check that the length counts elements"
            ),
            Self::PastTheEnd { address, bytes } => write!(
                f,
                "{bytes} bytes from {address:#x} on would end behind the last address; check whether the allocation failed"
            ),
        }
    }
}

impl std::error::Error for ForeignBufferError {}

impl<T: Element> ForeignBuffer<T> {
    /// Takes over memory of `len` elements, to be freed by `free(data, len)`.
    ///
    /// A null pointer is accepted where `len` is 0; `free` gets it like any other pointer.
    ///
    /// # Errors
    ///
    /// The pointer is misaligned, or null while `len` is not 0; or the length in bytes overflows, by itself or when it
    /// is added to the address. Then `free` is dropped and not called, and the caller still owns the memory.
    ///
    /// # Safety
    ///
    /// Until `free` is called:
    ///
    /// 1. `data` is valid for reads and writes of `len` initialised elements in one allocation. Where not every bit
    ///    pattern is an element, as for `bool`, each element is valid.
    /// 2. No other code reads, writes, moves or frees it. The library does so only if this program calls it with a
    ///    pointer that this buffer has given out.
    ///
    /// And `free` may be called on any thread, whether the thread is attached to Python or not.
    pub unsafe fn new(
        data: *mut T,
        len: usize,
        free: impl FnOnce(*mut T, usize) + Send + 'static,
    ) -> Result<Self, ForeignBufferError> {
        Self::check(data, len, Box::new(free))
    }
}

impl<T: Element> ForeignBuffer<T, ReadOnly> {
    /// As [`new`](ForeignBuffer::new), for memory that Python must not write: classes export it read-only.
    ///
    /// # Errors
    ///
    /// As for [`new`](ForeignBuffer::new).
    ///
    /// # Safety
    ///
    /// As for [`new`](ForeignBuffer::new), but `data` need not be valid for writes, and other code may read it.
    pub unsafe fn new_readonly(
        data: *const T,
        len: usize,
        free: impl FnOnce(*mut T, usize) + Send + 'static,
    ) -> Result<Self, ForeignBufferError> {
        Self::check(data.cast_mut(), len, Box::new(free))
    }
}

impl<T: Element, A: Access> ForeignBuffer<T, A> {
    fn check(given: *mut T, len: usize, free: Free<T>) -> Result<Self, ForeignBufferError> {
        const { element::check::<T>() }
        let size = size_of::<T>();
        let bytes = len.checked_mul(size).filter(|&bytes| isize::try_from(bytes).is_ok());
        let Some(bytes) = bytes else { return Err(ForeignBufferError::TooLong { len, size }) };
        if !given.is_aligned() {
            return Err(ForeignBufferError::Misaligned { address: given.addr(), align: align_of::<T>() });
        }
        if given.addr().checked_add(bytes).is_none() {
            return Err(ForeignBufferError::PastTheEnd { address: given.addr(), bytes });
        }
        let data = match NonNull::new(given) {
            Some(data) => data,
            None if len == 0 => NonNull::dangling(),
            None => return Err(ForeignBufferError::Null { len }),
        };
        Ok(Self { data, len, given, free: Some(free), access: PhantomData })
    }
}

impl<T, A> Drop for ForeignBuffer<T, A> {
    fn drop(&mut self) {
        if let Some(free) = self.free.take() {
            free(self.given, self.len);
        }
    }
}

// SAFETY: the caller of the constructor vouches that the memory may be freed on any thread, and the deallocator is
// Send; elements are Send and Sync.
unsafe impl<T: Element, A: Access> Send for ForeignBuffer<T, A> {}
// SAFETY: `&ForeignBuffer` gives access to `&[T]` alone.
unsafe impl<T: Element, A: Access> Sync for ForeignBuffer<T, A> {}

// SAFETY: the caller of the constructor vouches for the memory until it is freed (1, 2, 5) and for any thread (6), and
// `check` has tested its alignment and its size (1). `raw` only reads two fields (3, 4).
unsafe impl<T: Element, A: Access> Storage for ForeignBuffer<T, A> {
    type Element = T;
    type Access = A;

    unsafe fn raw(this: *mut Self) -> (NonNull<T>, usize) {
        // SAFETY: the caller vouches for `this`.
        let this = unsafe { &*this };
        (this.data, this.len)
    }
}

impl<T, A> Deref for ForeignBuffer<T, A> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: initialised elements that nothing writes while there is a reference to their only owner.
        unsafe { slice::from_raw_parts(self.data.as_ptr(), self.len) }
    }
}

impl<T, A: MayWrite> DerefMut for ForeignBuffer<T, A> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: initialised elements that may be written, and whose only owner is borrowed mutably.
        unsafe { slice::from_raw_parts_mut(self.data.as_ptr(), self.len) }
    }
}

impl<T: fmt::Debug, A> fmt::Debug for ForeignBuffer<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests;
