//! The consumer's side of a declaration: compares it with the object's class, and requests stable views through it.

use std::ffi::c_int;

use pyo3::exceptions::{PyAttributeError, PyBufferError};
use pyo3::prelude::*;
use pyo3::{PyErr, ffi};

use super::declaration::{ATTRIBUTE, Declaration, NAME};
use crate::exception::{ClassName, exception};
use crate::lookup::attribute;
use crate::pending::raised;
use crate::request::Flags;

/// An object, and a declaration that is valid for its class.
pub(crate) struct Declared<'a, 'py> {
    declaration: &'static Declaration,
    object: &'a Bound<'py, PyAny>,
}

/// The declaration of an object's class, if there is one and it still describes the class.
///
/// # Errors
///
/// `MemoryError`, or whatever the attributes of a metaclass raise.
pub(crate) fn declared_by<'a, 'py>(object: &'a Bound<'py, PyAny>) -> PyResult<Option<Declared<'a, 'py>>> {
    let py = object.py();
    // The attribute may be inherited or copied: the class that the declaration names is compared below.
    let capsule = match attribute(object.get_type().as_any(), ATTRIBUTE) {
        Ok(capsule) => capsule,
        Err(error) if error.is_instance_of::<PyAttributeError>(py) => return Ok(None),
        Err(error) => return Err(error),
    };
    // SAFETY: attached, with an object that is alive and may be of any class; the text is static.
    if unsafe { ffi::PyCapsule_IsValid(capsule.as_ptr(), NAME.as_ptr()) } == 0 {
        return Ok(None);
    }
    // SAFETY: as above; the object is a capsule of this name.
    let declaration = unsafe { ffi::PyCapsule_GetPointer(capsule.as_ptr(), NAME.as_ptr()) };
    // SAFETY: only native code makes capsules. With this name, it promises what `Declaration` documents; it is static.
    let declaration = unsafe { &*declaration.cast::<Declaration>() };
    Ok(declaration.holds_for(object).then_some(Declared { declaration, object }))
}

impl Declaration {
    fn holds_for(&self, object: &Bound<'_, PyAny>) -> bool {
        // SAFETY: attached, as the object proves.
        let declared = unsafe { (self.class)() };
        // Read only now, because the lookup of the attribute and the creation of the class may have run user code.
        let class = object.get_type_ptr();
        if declared != class || self.flags & Flags::STABLE == 0 {
            return false;
        }
        let slot = |slot| {
            // SAFETY: attached, and the class is alive, as its object is. The code that declares it made it, with
            // slots, so it is a heap type. (Up to Python 3.9, this function raises for any other type and returns
            // NULL.)
            unsafe { ffi::PyType_GetSlot(class, slot) }.addr()
        };
        let unchanged = slot(ffi::Py_bf_getbuffer) == self.getbuffer as usize
            && slot(ffi::Py_bf_releasebuffer) == self.releasebuffer as usize;
        if PyErr::occurred(object.py()) {
            drop(raised(object.py()));
        }
        unchanged
    }
}

impl<'py> Declared<'_, 'py> {
    pub(crate) fn py(&self) -> Python<'py> {
        self.object.py()
    }

    /// Requests a stable view, and returns the function that releases it.
    ///
    /// This calls the declared slot directly: the class might have another slot by now, which was not compared.
    ///
    /// # Errors
    ///
    /// Whatever the exporter raises, and `BufferError` if the view is writable or belongs to another object.
    ///
    /// # Safety
    ///
    /// `view` may be written, and does not move until the view is released. After success the caller releases the view
    /// once, attached, by the function that this returns.
    pub(crate) unsafe fn request(&self, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<ffi::releasebufferproc> {
        let Self { declaration, object } = self;
        let py = object.py();
        // SAFETY: attached, with an object of the class that the function belongs to, and room for a view.
        if unsafe { (declaration.getbuffer)(object.as_ptr(), view, flags | Flags::STABLE) } != 0 {
            return Err(raised(py));
        }
        // SAFETY: the exporter has filled the view.
        let granted = unsafe { *view };
        if granted.obj == object.as_ptr() && granted.readonly == 1 && !PyErr::occurred(py) {
            return Ok(declaration.releasebuffer);
        }
        if granted.obj == object.as_ptr() {
            // SAFETY: the view was granted by the exporter that the function belongs to, and is released here.
            unsafe { release_stable(view, declaration.releasebuffer) };
        } else {
            // The view belongs to no object, or to one of perhaps another class, which has another function.
            // SAFETY: attached, with a view that was granted, and is released here.
            unsafe { ffi::PyBuffer_Release(view) };
        }
        if PyErr::occurred(py) {
            return Err(raised(py));
        }
        let class = ClassName::of(object)?;
        let text = format_args!(
            "the stable view of this '{class}' is writable, or one of another object; this is a bug in its exporter"
        );
        Err(exception::<PyBufferError>(py, text))
    }
}

/// Releases a stable view as `PyBuffer_Release` would, but by the given function.
///
/// # Safety
///
/// Attached. The view was granted by the exporter that the function belongs to, and is released only here.
pub(crate) unsafe fn release_stable(view: *mut ffi::Py_buffer, release: ffi::releasebufferproc) {
    // SAFETY: the caller vouches for the view.
    let object = unsafe { (*view).obj };
    // SAFETY: as the caller vouches.
    unsafe { release(object, view) };
    // SAFETY: as above.
    unsafe { (*view).obj = std::ptr::null_mut() };
    // SAFETY: attached; the view owned this reference.
    unsafe { ffi::Py_XDECREF(object) };
}
