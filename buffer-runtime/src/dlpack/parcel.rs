//! What a consumer gets: a managed tensor with its numbers, in one allocation, and what keeps the memory.

use std::alloc::{self, Layout};
use std::ffi::c_void;
use std::ptr::{self, NonNull};

use pyo3::{Python, ffi};

use super::abi::{DataType, Device, Managed, Tensor, Version};
use super::refusal::Refusal;
use crate::cell::TensorHold;
use crate::memory::allocate;

/// What keeps a tensor's memory. Both variants may be dropped on any thread, attached or not.
#[expect(dead_code, reason = "they are kept for their drop")]
pub(super) enum Kept {
    Cell(TensorHold),
    Copy(Copied),
}

/// Memory of a tensor's own.
///
/// Invariants:
///
/// 1. It was allocated with `layout`, and this value alone frees it.
pub(super) struct Copied {
    data: NonNull<u8>,
    layout: Layout,
}

// SAFETY: the value owns the memory.
unsafe impl Send for Copied {}

impl Copied {
    /// JAX uses memory with this alignment in place, and copies any other.
    const ALIGN: usize = 64;

    /// Allocates this many bytes.
    pub(super) fn allocate(size: usize) -> Result<Self, Refusal> {
        let layout = Layout::from_size_align(size.max(1), Self::ALIGN).map_err(|_| Refusal::NoMemory)?;
        // SAFETY: the size is not 0.
        let data = unsafe { allocate(layout) }.map_err(|_| Refusal::NoMemory)?;
        Ok(Self { data, layout })
    }

    pub(super) fn data(&self) -> NonNull<u8> {
        self.data
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        // SAFETY: invariant 1.
        unsafe { alloc::dealloc(self.data.as_ptr(), self.layout) };
    }
}

/// What a tensor shows.
pub(super) struct Shown<'a> {
    pub(super) data: *mut u8,
    pub(super) dtype: DataType,
    pub(super) shape: &'a [isize],
    /// The strides in bytes, multiples of the item's size; or `None` for C order.
    pub(super) strides: Option<&'a [isize]>,
    pub(super) flags: u64,
}

/// A tensor that no consumer has yet. Dropping it ends it.
///
/// Invariants:
///
/// 1. It points to a `Contents<M>` that `new` has made, followed by the numbers, and owns them.
pub(super) struct Parcel<M: Managed>(NonNull<Contents<M>>);

#[repr(C)]
struct Contents<M> {
    /// The first field, because the consumer passes its address to the deleter.
    managed: M,
    kept: Kept,
    /// The layout of the allocation. It is stored, because a consumer may change the fields from which it could be
    /// computed.
    layout: Layout,
}

impl<M: Managed> Parcel<M> {
    /// Where the numbers are.
    const NUMBERS: usize = {
        assert!(align_of::<i64>() <= align_of::<Contents<M>>());
        size_of::<Contents<M>>()
    };

    /// # Errors
    ///
    /// There is no memory.
    #[inline]
    pub(super) fn new(shown: &Shown<'_>, version: Version, kept: Kept) -> Result<Self, Refusal> {
        let ndim = shown.shape.len();
        // No overflow: there are at most 64 dimensions.
        let size = Self::NUMBERS + 2 * ndim * size_of::<i64>();
        let layout = Layout::from_size_align(size, align_of::<Contents<M>>()).map_err(|_| Refusal::NoMemory)?;
        // SAFETY: the contents have a size.
        let contents = unsafe { allocate(layout) }.map_err(|_| Refusal::NoMemory)?;
        let shape: *mut i64 = contents.as_ptr().wrapping_add(Self::NUMBERS).cast();
        let strides = shape.wrapping_add(ndim);
        // The size of every type of DLPack is a power of two, and a division takes ten times as long as a shift.
        let shift = (shown.dtype.bits / 8).trailing_zeros();
        let write = |axis: usize, extent: isize, stride: isize| {
            // SAFETY: the allocation has room for `ndim` extents, which are aligned.
            unsafe { shape.wrapping_add(axis).write(extent as i64) };
            // SAFETY: as above, for the strides after them.
            unsafe { strides.wrapping_add(axis).write(stride as i64) };
        };
        if let Some(in_bytes) = shown.strides {
            debug_assert_eq!(in_bytes.len(), ndim);
            for (axis, (&extent, &stride)) in shown.shape.iter().zip(in_bytes).enumerate() {
                write(axis, extent, stride >> shift);
            }
        } else {
            let mut next = 1;
            for (axis, &extent) in shown.shape.iter().enumerate().rev() {
                write(axis, extent, next);
                next *= extent;
            }
        }
        let array = |array| if ndim == 0 { ptr::null_mut() } else { array };
        let tensor = Tensor {
            data: shown.data.cast(),
            device: Device::CPU,
            // There are at most 64 dimensions.
            ndim: i32::try_from(ndim).unwrap_or(0),
            dtype: shown.dtype,
            shape: array(shape),
            strides: array(strides),
            byte_offset: 0,
        };
        let contents: NonNull<Contents<M>> = contents.cast();
        let managed = M::new(tensor, version, shown.flags, delete::<M>);
        // SAFETY: the allocation has the size and the alignment.
        unsafe { contents.write(Contents { managed, kept, layout }) };
        Ok(Self(contents))
    }

    /// The managed tensor, which this value no longer owns. Whoever has it calls its deleter, once.
    pub(super) fn leave(self) -> *mut M {
        std::mem::ManuallyDrop::new(self).0.as_ptr().cast()
    }

    /// A capsule from which a consumer takes the tensor; NULL with an exception set if there is no memory.
    pub(super) fn into_capsule(self, _py: Python<'_>) -> *mut ffi::PyObject {
        let managed: *mut c_void = self.0.as_ptr().cast();
        // SAFETY: attached; the pointer is not NULL, the name is static, and the destructor is for such a capsule.
        let capsule = unsafe { ffi::PyCapsule_New(managed, M::NAME.as_ptr(), Some(discard::<M>)) };
        if !capsule.is_null() {
            self.leave();
        }
        capsule
    }
}

impl<M: Managed> Drop for Parcel<M> {
    fn drop(&mut self) {
        // SAFETY: invariant 1, and nobody else has the tensor.
        unsafe { delete(self.0.as_ptr().cast::<M>()) };
    }
}

/// The deleter of a tensor. It may run on any thread, without the GIL, while an exception is pending or the consumer
/// holds locks of its own, at interpreter exit, and in a forked child: it calls no Python, and waits for nothing.
///
/// # Safety
///
/// `managed` is NULL, or the managed tensor of a parcel that no longer owns it, and is not used afterwards.
unsafe extern "C" fn delete<M: Managed>(managed: *mut M) {
    let Some(contents) = NonNull::new(managed.cast::<Contents<M>>()) else { return };
    // SAFETY: the managed tensor is the first field of its contents, and the consumer no longer uses them.
    let Contents { kept, layout, .. } = unsafe { contents.read() };
    // SAFETY: `new` allocated it with this layout. What was read out of it is dropped below.
    unsafe { alloc::dealloc(contents.as_ptr().cast(), layout) };
    drop(kept);
}

/// The destructor of a capsule: ends the tensor, unless a consumer has taken it and renamed the capsule.
///
/// # Safety
///
/// As CPython calls it: attached, with a capsule that `into_capsule` has made. An exception may be pending.
unsafe extern "C" fn discard<M: Managed>(capsule: *mut ffi::PyObject) {
    // SAFETY: attached, with a capsule; no exception is set or cleared.
    if unsafe { ffi::PyCapsule_IsValid(capsule, M::NAME.as_ptr()) } == 0 {
        return;
    }
    // SAFETY: as above, and the name is the capsule's.
    let managed = unsafe { ffi::PyCapsule_GetPointer(capsule, M::NAME.as_ptr()) };
    // SAFETY: nobody has taken the tensor, so the capsule owns it.
    unsafe { delete(managed.cast::<M>()) };
}
