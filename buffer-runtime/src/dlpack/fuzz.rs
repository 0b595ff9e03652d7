//! Entry point for the fuzzer: takes a tensor that any producer might have made, without an interpreter. There is no
//! memory at the tensor's address, and none is accessed.
#![expect(missing_docs, reason = "the fields are those of the protocol")]

use std::cell::Cell;
use std::ffi::{CStr, c_void};
use std::ptr::{self, NonNull};

use super::abi::{DataType, Device, Managed, Tensor, Version, Versioned};
use super::taken::Taken;
use crate::limits::MAX_NDIM;
use crate::view::fuzz as consumer;

/// What a producer claims. Arrays are truncated or padded with zeros to `ndim` numbers: the protocol requires that
/// length, and no consumer can check it.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub version: (u32, u32),
    pub flags: u64,
    pub data: usize,
    pub device: (i32, i32),
    pub ndim: i32,
    /// Code, bits and lanes.
    pub dtype: (u8, u8, u16),
    pub shape: Option<Vec<i64>>,
    pub strides: Option<Vec<i64>>,
    pub byte_offset: u64,
}

/// Takes the tensor, and drops it. Returns its claims in the form of the buffer protocol, or `None` if they are
/// refused; and how often the deleter was called.
pub fn take(claimed: &Claimed, writable: bool) -> (Option<consumer::Claimed>, usize) {
    unsafe extern "C" fn delete(managed: *mut Versioned) {
        // SAFETY: the tensor is the one below.
        let count = unsafe { (*managed).manager_ctx };
        // SAFETY: the field is the address of the count below.
        let deleted: &Cell<usize> = unsafe { &*count.cast() };
        deleted.set(deleted.get() + 1);
    }

    let ndim = usize::try_from(claimed.ndim).ok().filter(|&ndim| ndim <= MAX_NDIM).unwrap_or(0);
    let array = |given: &Option<Vec<i64>>| {
        let mut numbers = given.clone()?;
        numbers.resize(ndim, 0);
        Some(numbers)
    };
    let (mut shape, mut strides) = (array(&claimed.shape), array(&claimed.strides));
    let first = |array: &mut Option<Vec<i64>>| array.as_mut().map_or(ptr::null_mut(), Vec::as_mut_ptr);
    let ((kind, id), (code, bits, lanes), (major, minor)) = (claimed.device, claimed.dtype, claimed.version);
    let tensor = Tensor {
        data: ptr::without_provenance_mut(claimed.data),
        device: Device { kind, id },
        ndim: claimed.ndim,
        dtype: DataType { code, bits, lanes },
        shape: first(&mut shape),
        strides: first(&mut strides),
        byte_offset: claimed.byte_offset,
    };
    let deleted = Cell::new(0);
    let mut managed = Versioned::new(tensor, Version { major, minor }, claimed.flags, delete);
    managed.manager_ctx = (&raw const deleted).cast_mut().cast::<c_void>();
    // SAFETY: the tensor lives until the end of this function, and is taken once.
    let taken = unsafe { Taken::of_versioned(NonNull::from(&mut managed), writable) };
    let claims = taken.map(|mut taken| {
        let view = taken.fields();
        let count = usize::try_from(view.ndim).unwrap_or(0);
        let numbers = |array: *mut isize| {
            // SAFETY: the arrays are those of the tensor that was taken, which is alive.
            (!array.is_null()).then(|| unsafe { std::slice::from_raw_parts(array, count) }.to_vec())
        };
        consumer::Claimed {
            buf: view.buf.addr(),
            owned: true,
            len: view.len,
            itemsize: view.itemsize,
            ndim: view.ndim,
            // SAFETY: formats are static texts.
            format: Some(unsafe { CStr::from_ptr(view.format) }.to_owned()),
            shape: numbers(view.shape),
            strides: numbers(view.strides),
            suboffsets: None,
        }
    });
    (claims, deleted.get())
}
