//! Declarations of stable views as another project would make them, with the structure of docs/stable.md, true or not.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// What the capsule points to.
#[repr(C)]
struct StableBuffer {
    class: unsafe extern "C" fn() -> *mut ffi::PyTypeObject,
    getbuffer: *mut c_void,
    releasebuffer: *mut c_void,
    flags: c_int,
}

/// The class that all declarations name, or NULL. The function that returns it has no argument.
static CLASS: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(ptr::null_mut());

unsafe extern "C" fn class() -> *mut ffi::PyTypeObject {
    CLASS.load(Ordering::Relaxed)
}

/// A value of `__stable_buffer__` that names a class, the slots of two classes, and flags.
#[pyfunction]
fn declaration(
    py: Python<'_>,
    named: Option<Bound<'_, PyType>>,
    getbuffer_of: &Bound<'_, PyType>,
    releasebuffer_of: &Bound<'_, PyType>,
    flags: c_int,
) -> PyResult<Py<PyAny>> {
    let slot = |class: &Bound<'_, PyType>, slot| {
        // SAFETY: attached, with a class of this module, which is a heap type.
        unsafe { ffi::PyType_GetSlot(class.as_type_ptr(), slot) }
    };
    // The module keeps the class alive.
    CLASS.store(named.map_or(ptr::null_mut(), |class| class.as_type_ptr()), Ordering::Relaxed);
    let declared = Box::leak(Box::new(StableBuffer {
        class,
        getbuffer: slot(getbuffer_of, ffi::Py_bf_getbuffer),
        releasebuffer: slot(releasebuffer_of, ffi::Py_bf_releasebuffer),
        flags,
    }));
    // SAFETY: attached; the structure is never freed, and the name is static.
    let capsule = unsafe { ffi::PyCapsule_New(ptr::from_mut(declared).cast(), c"stable_buffer.v1".as_ptr(), None) };
    // SAFETY: the result is an owned reference, or NULL with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(py, capsule) }.map(Bound::unbind)
}

pub(super) fn add(consumer: &Bound<'_, PyModule>) -> PyResult<()> {
    consumer.add_function(wrap_pyfunction!(declaration, consumer)?)
}
