//! The structs of DLPack, as its header `dlpack.h` declares them.

use std::ffi::{CStr, c_void};
use std::ptr;
#[cfg(feature = "consumer")]
use std::ptr::NonNull;

/// A version of the protocol. A new major version changes the structs; a new minor version only adds to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(super) struct Version {
    pub(super) major: u32,
    pub(super) minor: u32,
}

impl Version {
    /// The newest version that these structs follow: since 1.2, strides are never NULL where there are dimensions.
    pub(super) const NEWEST: Self = Self { major: 1, minor: 2 };
}

/// Where the memory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(super) struct Device {
    pub(super) kind: i32,
    pub(super) id: i32,
}

impl Device {
    /// `kDLCPU`
    pub(super) const CPU: Self = Self { kind: 1, id: 0 };
}

/// The type of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(super) struct DataType {
    pub(super) code: u8,
    /// The size of a number in bits; for a complex number, of both parts together.
    pub(super) bits: u8,
    pub(super) lanes: u16,
}

impl DataType {
    pub(super) const INT: u8 = 0;
    pub(super) const UINT: u8 = 1;
    pub(super) const FLOAT: u8 = 2;
    pub(super) const BFLOAT: u8 = 4;
    pub(super) const COMPLEX: u8 = 5;
    pub(super) const BOOL: u8 = 6;
}

/// `DLTensor`
#[derive(Debug)]
#[repr(C)]
pub(super) struct Tensor {
    pub(super) data: *mut c_void,
    pub(super) device: Device,
    pub(super) ndim: i32,
    pub(super) dtype: DataType,
    pub(super) shape: *mut i64,
    /// In items, not in bytes.
    pub(super) strides: *mut i64,
    pub(super) byte_offset: u64,
}

/// `DLManagedTensor`, which has no flags: its consumer may write the memory.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Legacy {
    pub(super) tensor: Tensor,
    pub(super) manager_ctx: *mut c_void,
    pub(super) deleter: Option<unsafe extern "C" fn(*mut Self)>,
}

/// `DLManagedTensorVersioned`
#[derive(Debug)]
#[repr(C)]
pub(super) struct Versioned {
    pub(super) version: Version,
    pub(super) manager_ctx: *mut c_void,
    pub(super) deleter: Option<unsafe extern "C" fn(*mut Self)>,
    pub(super) flags: u64,
    pub(super) tensor: Tensor,
}

impl Versioned {
    pub(super) const READ_ONLY: u64 = 1;
    pub(super) const IS_COPIED: u64 = 1 << 1;
}

/// A managed tensor of either kind.
pub(super) trait Managed: Sized {
    /// The name of a capsule whose tensor nobody has taken yet. The consumer that takes the tensor renames the capsule.
    const NAME: &'static CStr;
    /// The name that a consumer gives to the capsule when it takes the tensor.
    #[cfg(feature = "consumer")]
    const USED: &'static CStr;

    fn new(tensor: Tensor, version: Version, flags: u64, deleter: unsafe extern "C" fn(*mut Self)) -> Self;

    /// Calls the deleter, if there is one.
    ///
    /// # Safety
    ///
    /// Attached. The caller has taken the tensor, and does not use it afterwards.
    #[cfg(feature = "consumer")]
    unsafe fn end(this: NonNull<Self>);
}

impl Managed for Legacy {
    const NAME: &'static CStr = c"dltensor";
    #[cfg(feature = "consumer")]
    const USED: &'static CStr = c"used_dltensor";

    fn new(tensor: Tensor, _: Version, _: u64, deleter: unsafe extern "C" fn(*mut Self)) -> Self {
        Self { tensor, manager_ctx: ptr::null_mut(), deleter: Some(deleter) }
    }

    #[cfg(feature = "consumer")]
    unsafe fn end(this: NonNull<Self>) {
        // SAFETY: the caller has the tensor.
        if let Some(deleter) = unsafe { (*this.as_ptr()).deleter } {
            // SAFETY: as the caller vouches.
            unsafe { deleter(this.as_ptr()) };
        }
    }
}

impl Managed for Versioned {
    const NAME: &'static CStr = c"dltensor_versioned";
    #[cfg(feature = "consumer")]
    const USED: &'static CStr = c"used_dltensor_versioned";

    fn new(tensor: Tensor, version: Version, flags: u64, deleter: unsafe extern "C" fn(*mut Self)) -> Self {
        Self { version, manager_ctx: ptr::null_mut(), deleter: Some(deleter), flags, tensor }
    }

    #[cfg(feature = "consumer")]
    unsafe fn end(this: NonNull<Self>) {
        // SAFETY: the caller has the tensor.
        if let Some(deleter) = unsafe { (*this.as_ptr()).deleter } {
            // SAFETY: as the caller vouches.
            unsafe { deleter(this.as_ptr()) };
        }
    }
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    use std::mem::offset_of;

    assert!(size_of::<Tensor>() == 48);
    assert!(offset_of!(Tensor, ndim) == 16 && offset_of!(Tensor, dtype) == 20 && offset_of!(Tensor, shape) == 24);
    assert!(size_of::<Legacy>() == 64 && offset_of!(Legacy, deleter) == 56);
    assert!(size_of::<Versioned>() == 80 && offset_of!(Versioned, tensor) == 32);
};
