//! The attributes and methods of a part in Python.

use std::ffi::CStr;
use std::fmt::{self, Display};
use std::ptr;

use pyo3::exceptions::{PyException, PyMemoryError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyString;
use pyo3::{PyTraverseError, PyVisit, ffi};

use super::Part;
use super::chosen::PART;
use crate::exception::{ClassName, exception, string};
use crate::export::array::memoryview;
use crate::export::peek::{Peeked, peek, views};
use crate::pending::{owned, raised};

#[pymethods]
impl Part {
    /// The extents, in items.
    #[getter]
    fn shape<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        tuple(slf.py(), &Self::peek(slf)?.shape)
    }

    /// The distances between neighbours along each dimension, in bytes.
    #[getter]
    fn strides<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        tuple(slf.py(), &Self::peek(slf)?.strides)
    }

    /// The format of an item, in the notation of the `struct` module.
    #[getter]
    fn format<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let format = Self::peek(slf)?.format;
        // SAFETY: attached, with a text that is alive.
        let text = unsafe { ffi::PyUnicode_FromString(format.as_ptr()) };
        // SAFETY: the result is an owned reference, or NULL.
        unsafe { owned(py, text) }
    }

    /// The size of an item, in bytes.
    #[getter]
    fn itemsize<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        integer(slf.py(), Self::peek(slf)?.itemsize.cast_signed())
    }

    /// The size of all items together, in bytes.
    #[getter]
    fn nbytes<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        integer(slf.py(), Self::peek(slf)?.nbytes)
    }

    /// The number of dimensions.
    #[getter]
    fn ndim<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        integer(slf.py(), Self::peek(slf)?.shape.len().cast_signed())
    }

    /// Whether a view could not be written now.
    #[getter]
    fn readonly(slf: &Bound<'_, Self>) -> PyResult<bool> {
        Ok(Self::peek(slf)?.readonly)
    }

    /// The object that owns the memory.
    #[getter]
    fn obj(&self, py: Python<'_>) -> Py<PyAny> {
        self.whole.owner.clone_ref(py)
    }

    /// How many views of the memory are alive, through this object or others.
    #[getter]
    fn views<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        // SAFETY: the owner is of the table's class (`Whole`, invariant 1).
        let views = unsafe { views(py, self.whole.owner.as_ptr(), self.whole.table) }?;
        integer(py, views.cast_signed())
    }

    fn __len__(slf: &Bound<'_, Self>) -> PyResult<usize> {
        let shape = Self::peek(slf)?.shape;
        let Some(length) = shape.first() else {
            let text = "a buffer of 0 dimensions has no length; its only item is at `[()]`";
            return Err(exception::<PyTypeError>(slf.py(), text));
        };
        Ok(length.cast_unsigned())
    }

    fn __getitem__<'py>(slf: &Bound<'py, Self>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let view = memoryview(slf.as_any())?;
        // SAFETY: attached, with objects that are alive.
        let item = unsafe { ffi::PyObject_GetItem(view.as_ptr(), key.as_ptr()) };
        // SAFETY: the result is an owned reference, or NULL.
        unsafe { owned(slf.py(), item) }
    }

    fn __setitem__(slf: &Bound<'_, Self>, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let view = memoryview(slf.as_any())?;
        // SAFETY: attached, with objects that are alive.
        let status = unsafe { ffi::PyObject_SetItem(view.as_ptr(), key.as_ptr(), value.as_ptr()) };
        if status == 0 { Ok(()) } else { Err(raised(slf.py())) }
    }

    /// Raises what a memoryview raises.
    fn __delitem__(slf: &Bound<'_, Self>, key: &Bound<'_, PyAny>) -> PyResult<()> {
        let view = memoryview(slf.as_any())?;
        // SAFETY: attached, with objects that are alive.
        let status = unsafe { ffi::PyObject_DelItem(view.as_ptr(), key.as_ptr()) };
        if status == 0 { Ok(()) } else { Err(raised(slf.py())) }
    }

    fn __reversed__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let view = memoryview(slf.as_any())?;
        let reversed = (&raw mut ffi::PyReversed_Type).cast();
        let end: *mut ffi::PyObject = ptr::null_mut();
        // SAFETY: attached, with a type and an object that are alive, and with NULL after the last argument.
        let iterator = unsafe { ffi::PyObject_CallFunctionObjArgs(reversed, view.as_ptr(), end) };
        // SAFETY: the result is an owned reference, or NULL.
        unsafe { owned(slf.py(), iterator) }
    }

    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let view = memoryview(slf.as_any())?;
        // SAFETY: attached, with an object that is alive.
        let iterator = unsafe { ffi::PyObject_GetIter(view.as_ptr()) };
        // SAFETY: the result is an owned reference, or NULL.
        unsafe { owned(slf.py(), iterator) }
    }

    fn __repr__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let part = slf.get();
        let text = Repr {
            class: ClassName::of(part.whole.owner.bind(py))?,
            field: part.whole.table.property(),
            is_part: part.chosen.is_some(),
            seen: match Self::peek(slf) {
                Ok(seen) => Ok(seen),
                Err(error) if is_a_reason(py, &error) => Err(error.value(py).str().ok()),
                Err(error) => return Err(error),
            },
        };
        string(py, &text).ok_or_else(|| raised(py))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.whole.owner)
    }
}

#[cfg(feature = "consumer")]
#[pymethods]
impl Part {
    /// A view for one `with` block. With `stable`, nobody changes its bytes until the block ends.
    #[pyo3(signature = (*, stable = false))]
    fn view(slf: &Bound<'_, Self>, stable: bool) -> PyResult<crate::ScopedView> {
        if stable { crate::ScopedView::stable(slf.as_any()) } else { crate::ScopedView::new(slf.as_any()) }
    }
}

impl Part {
    /// The layout that a view taken now would have.
    fn peek(slf: &Bound<'_, Self>) -> PyResult<Peeked> {
        let part = slf.get();
        if part.chosen.is_some() {
            // SAFETY: the object is a part.
            unsafe { peek(slf.py(), slf.as_ptr(), PART) }
        } else {
            // SAFETY: the owner is of the table's class (`Whole`, invariant 1).
            unsafe { peek(slf.py(), part.whole.owner.as_ptr(), part.whole.table) }
        }
    }
}

/// What `repr` shows of a part.
struct Repr<'py> {
    class: ClassName<'py>,
    field: Option<&'static CStr>,
    is_part: bool,
    seen: Result<Peeked, Option<Bound<'py, PyString>>>,
}

impl Display for Repr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<Buffer of ")?;
        if self.is_part {
            f.write_str("a part of ")?;
        }
        write!(f, "{}", self.class)?;
        if let Some(field) = self.field {
            write!(f, ".{}", field.to_str().map_err(|_| fmt::Error)?)?;
        }
        match &self.seen {
            Ok(seen) => {
                f.write_str(": shape (")?;
                for (axis, extent) in seen.shape.iter().enumerate() {
                    write!(f, "{}{extent}", if axis == 0 { "" } else { ", " })?;
                }
                let access = if seen.readonly { "read-only" } else { "writable" };
                let comma = if seen.shape.len() == 1 { "," } else { "" };
                write!(f, "{comma}), format '{}', {access}>", seen.format.to_str().map_err(|_| fmt::Error)?)
            }
            Err(error) => match error.as_ref().and_then(|error| error.to_str().ok()) {
                Some(error) => write!(f, ": {error}>"),
                None => f.write_str(">"),
            },
        }
    }
}

/// Whether an error says why a view is refused, and is not about something else, such as Ctrl-C.
fn is_a_reason(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyException>(py) && !error.is_instance_of::<PyMemoryError>(py)
}

fn integer(py: Python<'_>, value: isize) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: attached, as the token proves.
    let integer = unsafe { ffi::PyLong_FromSsize_t(value) };
    // SAFETY: the result is an owned reference, or NULL.
    unsafe { owned(py, integer) }
}

fn tuple<'py>(py: Python<'py>, numbers: &[isize]) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: attached, as the token proves.
    let tuple = unsafe { ffi::PyTuple_New(numbers.len().cast_signed()) };
    // SAFETY: the result is an owned reference, or NULL.
    let tuple = unsafe { owned(py, tuple) }?;
    for (index, &number) in (0..).zip(numbers) {
        let number = integer(py, number)?;
        // SAFETY: attached; the tuple is new and has room for this index, and takes over the reference.
        unsafe { ffi::PyTuple_SetItem(tuple.as_ptr(), index, number.into_ptr()) };
    }
    Ok(tuple)
}
