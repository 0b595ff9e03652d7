//! The properties that `#[buffer(get)]` adds to a class.

use std::ffi::CStr;
use std::ptr::NonNull;

use pyo3::impl_::pymethods::{PyGetterDef, PyMethodDefType};
use pyo3::{Borrowed, Bound, IntoPyObject, PyResult, Python, ffi};

use super::Part;
use crate::export::{Exporter, Slot};

/// Adds properties to a class. Each is given by the exporter of the field, the name and the documentation.
#[doc(hidden)]
#[macro_export]
macro_rules! __submit_properties {
    ($inventory:ty, $([$exporter:ty, $name:expr, $doc:expr])*) => {
        $crate::private::pyo3::inventory::submit! {{
            #[allow(unused_imports, reason = "used only if the class is none")]
            use $crate::private::New as _;
            <$inventory>::new(
                $crate::private::pyo3::impl_::pyclass::PyClassItems {
                    // SAFETY: the derive names the inventory of the exporters' class, and safe code cannot name an
                    // exporter.
                    methods: &[$(unsafe { $crate::private::property::<$exporter>($name, $doc) }),*],
                    slots: &[],
                },
            )
        }}
    };
}

/// Converts a literal that ends with a NUL.
///
/// # Panics
///
/// At compile time, if the text does not end with a NUL or contains another one.
#[must_use]
pub const fn c_str(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("the text contains a NUL"),
    }
}

/// The property of one exported field.
///
/// # Safety
///
/// The result becomes a property of the exporter's class only.
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
