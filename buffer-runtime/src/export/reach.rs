//! How to get from a Python object to its Rust value.

use pyo3::exceptions::PyBufferError;
use pyo3::impl_::pycell::PyClassObjectBaseLayout;
use pyo3::impl_::pyclass::{NoopThreadChecker, PyClassImpl};
use pyo3::{Borrowed, PyClass, PyClassGuard, PyErr, Python, ffi};

use crate::exception::exception;

/// A Python class, frozen or not.
///
/// # Safety
///
/// `reach` calls `with` at most once, and only on the value of the object. No mutable reference to the value exists
/// during the call. Apart from `with`, `reach` runs no user code.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a Python class",
    label = "this struct needs `#[pyclass]`",
    note = "write `#[pyclass(frozen)]` below `#[derive(ExportBuffer)]`"
)]
pub unsafe trait Class: Sized {
    /// Its name in Python.
    const NAME: &'static str;

    /// The Python class itself.
    ///
    /// # Panics
    ///
    /// The class does not exist yet, and there is no memory for it.
    fn type_object(py: Python<'_>) -> *mut ffi::PyTypeObject;

    /// Calls `with` on the value of an object. The value stays borrowed during the call.
    ///
    /// # Errors
    ///
    /// The value cannot be borrowed.
    ///
    /// # Safety
    ///
    /// `object` is an object of this class or of a subclass.
    unsafe fn reach<R>(
        py: Python<'_>,
        object: *mut ffi::PyObject,
        with: impl FnOnce(&Self) -> R,
    ) -> Result<R, Unreached>;
}

// A trait of this crate, not of PyO3, so that compiler errors name a class and not PyO3's traits. `Sync` is no bound:
// `#[pyclass]` requires it, and its error names the field's type.
// SAFETY: PyO3 lends the value only while it is not mutably borrowed, and the value of a frozen class never is.
#[diagnostic::do_not_recommend]
unsafe impl<T: PyClass> Class for T {
    const NAME: &'static str = <T as PyClass>::NAME;

    fn type_object(py: Python<'_>) -> *mut ffi::PyTypeObject {
        T::type_object_raw(py)
    }

    #[inline(always)]
    unsafe fn reach<R>(
        py: Python<'_>,
        object: *mut ffi::PyObject,
        with: impl FnOnce(&Self) -> R,
    ) -> Result<R, Unreached> {
        // A Rust base class may be `unsendable`. Then PyO3's borrow panics on other threads, and a slot must not panic.
        // SAFETY: the caller vouches for an object of class `T`. It has the layout of `T`, and lives during the call.
        let layout = unsafe { &*object.cast::<T::Layout>() };
        // No adapters here: each would be compiled for each class.
        if layout.check_threadsafe().is_err() {
            return Err(Unreached::BoundToThread);
        }
        // SAFETY: the caller vouches for the object.
        let object = unsafe { Borrowed::from_ptr(py, object) };
        // SAFETY: the caller vouches for its class.
        let object: Borrowed<'_, '_, T> = unsafe { object.cast_unchecked() };
        // Where the class and its base classes are frozen, there is no borrow flag, and the guard costs nothing.
        match PyClassGuard::try_from(&*object) {
            Ok(value) => Ok(with(&value)),
            Err(_) => Err(Unreached::MutablyBorrowed),
        }
    }
}

/// A class whose objects may be used on every thread, because views may be released on every thread.
///
/// # Safety
///
/// The objects may be used on every thread.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is `unsendable`, but views of its buffer may be released on any thread",
    label = "remove `unsendable` from its `#[pyclass]`"
)]
pub unsafe trait Sendable {
    /// As [`Named::Itself`](super::Named::Itself).
    type Itself;
}

// SAFETY: for a class with this checker, PyO3 checks no thread, and requires that its value is `Send` and `Sync`.
#[diagnostic::do_not_recommend]
unsafe impl<T: PyClassImpl<ThreadChecker = NoopThreadChecker>> Sendable for T {
    type Itself = T;
}

/// Why the value of an object cannot be borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreached {
    /// A `&mut self` method of it is running.
    MutablyBorrowed,
    /// It belongs to another thread.
    BoundToThread,
}

impl Unreached {
    /// The exception for an object of the class with this name.
    pub(crate) fn of_class(self, py: Python<'_>, class: &str) -> PyErr {
        let why = match self {
            Self::MutablyBorrowed => {
                "is mutably borrowed; ask when the `&mut self` method that is running has returned"
            }
            Self::BoundToThread => "has an `unsendable` base class; ask on the thread that made it",
        };
        exception::<PyBufferError>(py, format_args!("cannot grant a view: this `{class}` {why}"))
    }
}
