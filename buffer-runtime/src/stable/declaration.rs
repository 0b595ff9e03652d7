//! The declaration of stable views: a capsule in the dictionary of the class.
//!
//! The capsule names the class, its two slots and what they understand. A consumer compares all of these with the class that
//! the object has now. So a subclass is no match, nor is a class that has got a copy of the capsule, nor one whose slots were
//! replaced, as `Matrix.__buffer__ = f` does from Python 3.12 on. Python code can make no capsule.

use std::ffi::{CStr, c_int};

use pyo3::prelude::*;
use pyo3::{PyResult, ffi};

use crate::pending::owned;

/// The attribute of the class.
pub(crate) const ATTRIBUTE: &CStr = c"__stable_buffer__";
/// The name of the capsule, with the version of what it contains.
pub(super) const NAME: &CStr = c"stable_buffer.v1";

/// What a class declares. Other builds of this crate read it, and other projects: the meaning of a field never changes
/// under one name of the capsule.
///
/// 1. It is static, and all its functions may be called on any attached thread.
/// 2. A view that `getbuffer` grants for a request with the flag `PyBUF_STABLE_READ`, of an object whose class is exactly
///    `class()`, is stable: it shows memory that nobody writes before the view is released.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Declaration {
    /// The class, or NULL if it does not exist yet. (The capsule is made before the class is.)
    pub(super) class: unsafe extern "C" fn() -> *mut ffi::PyTypeObject,
    pub(super) getbuffer: ffi::getbufferproc,
    pub(super) releasebuffer: ffi::releasebufferproc,
    /// The flags beyond those of PEP 3118 that requests may have: `PyBUF_STABLE_READ`.
    pub(super) flags: c_int,
}

impl Declaration {
    pub(crate) const fn new(
        class: unsafe extern "C" fn() -> *mut ffi::PyTypeObject,
        getbuffer: ffi::getbufferproc,
        releasebuffer: ffi::releasebufferproc,
    ) -> Self {
        Self { class, getbuffer, releasebuffer, flags: crate::request::Flags::STABLE }
    }
}

/// The class attribute that declares it.
pub(crate) fn class_attribute(py: Python<'_>, declaration: &'static Declaration) -> PyResult<Py<PyAny>> {
    let address = std::ptr::from_ref(declaration).cast_mut().cast();
    // SAFETY: attached, as the token proves. The address is not NULL, and all that the capsule refers to is static.
    let capsule = unsafe { ffi::PyCapsule_New(address, NAME.as_ptr(), None) };
    // SAFETY: the result is an owned reference, or NULL.
    unsafe { owned(py, capsule) }.map(Bound::unbind)
}
