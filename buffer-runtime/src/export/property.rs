//! The properties that `#[buffer(get)]` adds to a class.

use std::ffi::CStr;
use std::ptr::NonNull;

use pyo3::impl_::pymethods::{PyGetterDef, PyMethodDefType};
use pyo3::{Borrowed, Bound, IntoPyObject, PyResult, Python, ffi};

use super::class::{Exporter, Slot};
use crate::part::Part;

/// The property of one exported field.
///
/// # Safety
///
/// It becomes a property of the exporter's class only.
#[must_use]
pub const unsafe fn property<T: Exporter>(name: &'static CStr, doc: Option<&'static CStr>) -> PyMethodDefType {
    PyMethodDefType::Getter(PyGetterDef::new(name, get::<T>, doc))
}

/// # Safety
///
/// As CPython calls a getter: attached, with an object of `T::Class` or of a subclass.
unsafe fn get<T: Exporter>(py: Python<'_>, slf: NonNull<ffi::PyObject>) -> PyResult<*mut ffi::PyObject> {
    // SAFETY: the caller vouches for the object.
    let object = unsafe { Borrowed::from_ptr(py, slf.as_ptr()) };
    // SAFETY: the table belongs to the object's class.
    let part = unsafe { Part::of_all(&object, <T::Cell as Slot<T>>::TABLE) }?;
    part.into_pyobject(py).map(Bound::into_ptr)
}
