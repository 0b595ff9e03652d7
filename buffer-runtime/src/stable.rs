mod declaration;
#[cfg(feature = "consumer")]
mod declared;

#[cfg(feature = "consumer")]
use pyo3::types::PyAnyMethods as _;
#[cfg(feature = "consumer")]
use pyo3::types::PyBytes;
#[cfg(feature = "consumer")]
use pyo3::{Bound, PyAny, PyTypeInfo};

pub(crate) use self::declaration::{ATTRIBUTE, Declaration, class_attribute};
#[cfg(feature = "consumer")]
pub(crate) use self::declared::{Declared, declared_by, release_stable};

/// Whether an object is immutable without a declaration: exactly `bytes`, because a subclass may override the buffer.
#[cfg(feature = "consumer")]
pub(crate) fn is_bytes(object: &Bound<'_, PyAny>) -> bool {
    object.get_type_ptr() == PyBytes::type_object_raw(object.py())
}
