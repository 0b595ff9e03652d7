//! How a class declares that it grants stable views: by a capsule in its dictionary.
//!
//! The capsule names the class, its two slots and the flags that they understand. A consumer compares all of these with
//! the class that the object has now. So a subclass does not match, nor does a class that got a copy of the capsule,
//! nor one whose slots were replaced, as by `Matrix.__buffer__ = f` from Python 3.12 on. Python code cannot make a
//! capsule.

use std::ffi::{CStr, c_int};

use pyo3::prelude::*;
use pyo3::{PyResult, ffi};

use crate::pending::owned;

/// The name of the class attribute that holds the capsule.
pub(crate) const ATTRIBUTE: &CStr = c"__stable_buffer__";
/// The name of the capsule, with the version of its contents.
pub(super) const NAME: &CStr = c"stable_buffer.v1";

/// What a class declares. Other builds of this crate and other projects read it, so under one capsule name the meaning
/// of a field never changes.
///
/// 1. The declaration is static, and all its functions may be called on any attached thread.
/// 2. A view that `getbuffer` grants for a request with the flag `PyBUF_STABLE_READ`, of an object whose class is
///    exactly `class()`, is stable: it shows memory that nobody writes before the view is released.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Declaration {
    /// The class, or NULL if it does not exist yet. (The capsule is made before the class is.)
    pub(super) class: unsafe extern "C" fn() -> *mut ffi::PyTypeObject,
    pub(super) getbuffer: ffi::getbufferproc,
    pub(super) releasebuffer: ffi::releasebufferproc,
    /// The flags that requests may have in addition to those of PEP 3118: `PyBUF_STABLE_READ`.
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

/// Makes the value of the class attribute: the capsule.
pub(crate) fn class_attribute(py: Python<'_>, declaration: &'static Declaration) -> PyResult<Py<PyAny>> {
    let address = std::ptr::from_ref(declaration).cast_mut().cast();
    // SAFETY: attached, as the token proves. The address is not NULL, and all that the capsule refers to is static.
    let capsule = unsafe { ffi::PyCapsule_New(address, NAME.as_ptr(), None) };
    // SAFETY: the result is an owned reference, or NULL.
    unsafe { owned(py, capsule) }.map(Bound::unbind)
}
