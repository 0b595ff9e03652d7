//! What a consumer does with a declaration: it compares it with the object's class, and requests stable views by it.

use std::ffi::c_int;

use pyo3::exceptions::{PyAttributeError, PyBufferError};
use pyo3::prelude::*;
use pyo3::{PyErr, ffi};

use super::declaration::{ATTRIBUTE, Declaration, NAME};
use crate::exception::{ClassName, exception};
use crate::lookup::attribute;
use crate::pending::raised;
use crate::request::Flags;

/// A declaration that holds for an object.
pub(crate) struct Declared<'a, 'py> {
    declaration: &'static Declaration,
    object: &'a Bound<'py, PyAny>,
}

/// The declaration of an object's class, if there is one and the class still has what it names.
///
/// # Errors
///
/// `MemoryError`, or whatever the attributes of a metaclass raise.
pub(crate) fn declared_by<'a, 'py>(object: &'a Bound<'py, PyAny>) -> PyResult<Option<Declared<'a, 'py>>> {
    let py = object.py();
    // Which dictionary the attribute is from does not matter, since the class is compared.
    let capsule = match attribute(object.get_type().as_any(), ATTRIBUTE) {
        Ok(capsule) => capsule,
        Err(error) if error.is_instance_of::<PyAttributeError>(py) => return Ok(None),
        Err(error) => return Err(error),
    };
    // SAFETY: attached, with an object that is alive, of whatever class; the text is static.
    if unsafe { ffi::PyCapsule_IsValid(capsule.as_ptr(), NAME.as_ptr()) } == 0 {
        return Ok(None);
    }
    // SAFETY: as above; it is a capsule of this name.
    let declaration = unsafe { ffi::PyCapsule_GetPointer(capsule.as_ptr(), NAME.as_ptr()) };
    // SAFETY: only C code makes capsules, and by this name it promises what the type documents: a static.
    let declaration = unsafe { &*declaration.cast::<Declaration>() };
    Ok(declaration.holds_for(object).then_some(Declared { declaration, object }))
}

impl Declaration {
    fn holds_for(&self, object: &Bound<'_, PyAny>) -> bool {
        // SAFETY: attached, as the object proves.
        let declared = unsafe { (self.class)() };
        // Taken after user code may have run: the look-up of the attribute, and the making of the class.
        let class = object.get_type_ptr();
        if declared.is_null() || declared != class || self.flags & Flags::STABLE == 0 {
            return false;
        }
        let slot = |slot| {
            // SAFETY: attached, and the class is alive, as its object is. It was made by the one who declares it, with
            // slots, so it is a heap type; of any other class, this function finds nothing and raises up to Python 3.9.
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
    /// The slot is called directly: what the class has in its place by then, no one has compared.
    ///
    /// # Errors
    ///
    /// Whatever the exporter raises, and `BufferError` if the view is none that it may grant.
    ///
    /// # Safety
    ///
    /// `view` may be written, and stays where it is until the view is released. After success the caller releases it
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
        // SAFETY: the view was granted, and is released here.
        unsafe { release_stable(view, declaration.releasebuffer) };
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

/// Releases a stable view, as `PyBuffer_Release` does, by the function that belongs to it.
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
