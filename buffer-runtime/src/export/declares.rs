//! What the derive adds to a class besides its slots: `__array__`, the declaration of stable views, and with the
//! feature `dlpack` the methods of DLPack.

use std::marker::PhantomData;

use pyo3::impl_::pymethods::{PyClassAttributeDef, PyMethodDefType};
use pyo3::{Py, PyAny, PyResult, Python, ffi};

use super::array;
use super::class::{Exporter, Slot};
use super::reach::Class;
use crate::contain::contain;
#[cfg(feature = "dlpack")]
use crate::dlpack;
use crate::stable::{ATTRIBUTE, Declaration, class_attribute};

/// The methods of an exporter's class.
struct Methods<T>(PhantomData<T>);

impl<T: Exporter> Methods<T> {
    const WITH_ARRAY: &'static [PyMethodDefType] = &[
        array::METHOD,
        attribute_of::<T>(),
        #[cfg(feature = "dlpack")]
        dlpack::method::<T>(),
        #[cfg(feature = "dlpack")]
        dlpack::device(),
    ];

    const WITHOUT_ARRAY: &'static [PyMethodDefType] = match Self::WITH_ARRAY {
        [_array, others @ ..] => others,
        [] => &[],
    };
}

/// The methods of a class without `#[buffer(no_array)]`.
///
/// # Safety
///
/// The methods are added to the exporter's class only, together with its [`slots`](super::slots::slots).
#[must_use]
pub const unsafe fn with_array<T: Exporter>() -> &'static [PyMethodDefType] {
    Methods::<T>::WITH_ARRAY
}

/// The methods of a class with `#[buffer(no_array)]`.
///
/// # Safety
///
/// As for [`with_array`].
#[must_use]
pub const unsafe fn without_array<T: Exporter>() -> &'static [PyMethodDefType] {
    Methods::<T>::WITHOUT_ARRAY
}

const fn attribute_of<T: Exporter>() -> PyMethodDefType {
    PyMethodDefType::ClassAttribute(PyClassAttributeDef::new(ATTRIBUTE, declare::<T>))
}

/// The declaration of one class.
trait Stable {
    const DECLARATION: Declaration;
}

impl<T: Exporter> Stable for T {
    const DECLARATION: Declaration =
        Declaration::new(class_of::<T>, <T::Cell as Slot<T>>::GETBUFFER, <T::Cell as Slot<T>>::RELEASEBUFFER);
}

fn declare<T: Exporter>(py: Python<'_>) -> PyResult<Py<PyAny>> {
    class_attribute(py, &T::DECLARATION)
}

/// # Safety
///
/// Attached.
unsafe extern "C" fn class_of<T: Exporter>() -> *mut ffi::PyTypeObject {
    // SAFETY: the caller vouches for it.
    let py = unsafe { Python::assume_attached() };
    // PyO3 panics if it has no memory to make the class.
    contain(|| Ok(T::Class::type_object(py))).unwrap_or(std::ptr::null_mut())
}
