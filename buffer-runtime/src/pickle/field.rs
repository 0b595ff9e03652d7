//! What the derive requires of a class that is pickled, and of its fields that are not cells.

use std::marker::PhantomData;

use pyo3::conversion::FromPyObjectOwned;
use pyo3::impl_::pyclass::PyClassImpl;
use pyo3::impl_::pyclass_init::PyNativeTypeInitializer;
use pyo3::impl_::pymethods::tp_new_impl;
use pyo3::{IntoPyObject, IntoPyObjectExt, PyAny, PyClass, PyClassInitializer, PyErr, PyResult, Python, ffi};

use super::refused::{cause_of, unpickling};
use super::strings::FieldName;
use super::{Arrived, Given};

/// A field that is not a cell: PyO3 converts its value to a Python object and back.
#[diagnostic::on_unimplemented(
    message = "a field of the type `{Self}` cannot be pickled: PyO3 does not convert it both ways",
    label = "not both `IntoPyObject` (for a reference) and `FromPyObject`",
    note = "write `#[buffer(default)]` above the field to begin an unpickled object with `Default::default()`",
    note = "or derive both `IntoPyObjectRef` and `FromPyObject` for its type"
)]
pub trait Field: Sized {
    /// Adds the value to `given`, under the name of its field.
    ///
    /// # Errors
    ///
    /// What the conversion raises.
    fn give(&self, given: &Given<'_>, name: &'static FieldName) -> PyResult<()>;

    /// Reads the value from `arrived`, by the name of its field.
    ///
    /// # Errors
    ///
    /// `UnpicklingError` if the value is missing or cannot be converted.
    fn arrive(arrived: &Arrived<'_, '_>, name: &'static FieldName) -> PyResult<Self>;
}

#[diagnostic::do_not_recommend]
impl<T> Field for T
where
    T: for<'py> FromPyObjectOwned<'py>,
    for<'a, 'py> &'a T: IntoPyObject<'py>,
{
    fn give(&self, given: &Given<'_>, name: &'static FieldName) -> PyResult<()> {
        given.value(&name.name, self.into_bound_py_any(given.py())?)
    }

    fn arrive(arrived: &Arrived<'_, '_>, name: &'static FieldName) -> PyResult<Self> {
        let value = arrived.value(&name.name)?;
        T::extract(value.as_borrowed()).map_err(|error| {
            let (py, error): (_, PyErr) = (arrived.py(), error.into());
            let (class, name) = (arrived.class(), name.name.text());
            cause_of(py, error, |py| {
                unpickling(py, format_args!("the pickle's value for the field `{name}` of `{class}` is no such value"))
            })
        })
    }
}

/// A class without a base class in Rust or C, so that an object can be made from a value alone.
///
/// # Safety
///
/// `INSTANCE` makes an object of the class that it is called with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be pickled: it extends another class, whose part of the object the pickle would lack",
    label = "has a base class in Rust or C",
    note = "remove `pickle`, and define `__reduce__` in `#[pymethods]`; or hold an object of the other class in a field"
)]
pub unsafe trait Root: Sized {
    /// Makes an object.
    const INSTANCE: Instance<Self>;
}

/// Makes an object from a value.
///
/// # Errors
///
/// `MemoryError`, or what a base class of Python raises.
///
/// # Safety
///
/// The class is that of the value, or a subclass to which no Rust code has added fields.
pub type Instance<T> = unsafe fn(T, Python<'_>, *mut ffi::PyTypeObject) -> PyResult<*mut ffi::PyObject>;

// SAFETY: without a base class, the value is all that the object needs.
#[diagnostic::do_not_recommend]
unsafe impl<T: PyClass + PyClassImpl<BaseType = PyAny>> Root for T {
    const INSTANCE: Instance<T> = instance;
}

/// # Safety
///
/// As for [`Instance`].
unsafe fn instance<T: PyClass + PyClassImpl<BaseType = PyAny>>(
    value: T,
    py: Python<'_>,
    class: *mut ffi::PyTypeObject,
) -> PyResult<*mut ffi::PyObject> {
    let value = PyClassInitializer::new(value, PyNativeTypeInitializer::<PyAny>(PhantomData));
    // SAFETY: the caller vouches for the class.
    unsafe { tp_new_impl::<_, T>(py, value, class) }
}
