//! `__array__`, so that numpy raises what a refused view raises.

use pyo3::exceptions::PyTypeError;
use pyo3::impl_::pymethods::{PyMethodDef, PyMethodDefType};
use pyo3::impl_::trampoline::{MethodDef, cfunction_with_keywords};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{Borrowed, ffi};

use crate::contain::{Text, raised, raising};

/// The methods of a class without `#[buffer(no_array)]`.
///
/// numpy swallows the error of a refused view and goes on to ask for `__array__`; without it it would make an array of
/// one object. So the view is asked for once more, and its error is raised. Where views are granted numpy never comes
/// here.
pub const ARRAY: &[PyMethodDefType] = &[PyMethodDefType::Method(PyMethodDef::cfunction_with_keywords(
    c"__array__",
    cfunction_with_keywords::<Array>,
    c"__array__($self, dtype=None, *, copy=None)\n--\n\n",
))];

/// The methods of a class with `#[buffer(no_array)]`.
pub const NONE: &[PyMethodDefType] = &[];

struct Array;

impl MethodDef<cfunction_with_keywords::Func> for Array {
    const METH: cfunction_with_keywords::Func = array;
}

/// # Safety
///
/// As CPython calls methods that take a tuple and keywords.
#[expect(clippy::unnecessary_wraps, reason = "the trampoline's signature")]
unsafe fn array(
    py: Python<'_>,
    slf: *mut ffi::PyObject,
    args: *mut ffi::PyObject,
    kwargs: *mut ffi::PyObject,
) -> PyResult<*mut ffi::PyObject> {
    // SAFETY: the caller vouches for the object.
    let object = unsafe { Borrowed::from_ptr(py, slf) };
    // SAFETY: the caller vouches for the arguments.
    let args = unsafe { Borrowed::from_ptr(py, args) };
    // SAFETY: the caller vouches for the keywords, or NULL.
    let kwargs = unsafe { Borrowed::from_ptr_or_opt(py, kwargs) };

    Ok(raising(py, std::ptr::null_mut(), || {
        let keywords = kwargs.as_deref().map(|kwargs| kwargs.cast::<PyDict>()).transpose()?;
        let args = args.cast::<PyTuple>()?;
        array_of(&object, &args, keywords).map(Bound::into_ptr)
    }))
}

/// What `__array__` of an object answers: an array of a view, or what its refusal raises.
pub(crate) fn array_of<'py>(
    object: &Bound<'py, PyAny>,
    args: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let view = memoryview(object)?;
    let options = options(args, keywords)?;
    object.py().import("numpy")?.getattr("array")?.call((view,), Some(&options))
}

/// As `PyMemoryView::from`, which resumes the panic of an exporter that has panicked.
fn memoryview<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = object.py();
    // SAFETY: attached, as the object says, which is alive.
    let view = unsafe { ffi::PyMemoryView_FromObject(object.as_ptr()) };
    // SAFETY: an owned reference, or NULL with an exception set.
    let view = unsafe { Bound::from_owned_ptr_or_opt(py, view) };
    view.ok_or_else(|| raised(py))
}

/// What numpy is asked for. Every numpy takes `None` for both: a type that fits, and a copy if one is needed.
fn options<'py>(args: &Bound<'py, PyTuple>, keywords: Option<&Bound<'py, PyDict>>) -> PyResult<Bound<'py, PyDict>> {
    let options = PyDict::new(args.py());
    options.set_item("dtype", None::<()>)?;
    options.set_item("copy", None::<()>)?;
    if args.len() > 1 {
        let count = args.len();
        return Err(PyTypeError::new_err(Text::from(format!(
            "__array__() takes at most 1 positional argument ({count} given)"
        ))));
    }
    if let Ok(dtype) = args.get_item(0) {
        options.set_item("dtype", dtype)?;
    }
    for (name, value) in keywords.into_iter().flatten() {
        match name.extract::<String>()?.as_str() {
            "dtype" if args.is_empty() => options.set_item("dtype", value)?,
            "copy" => options.set_item("copy", value.extract::<Option<bool>>()?)?,
            other => {
                let text = format!("__array__() got an unexpected or repeated keyword argument '{other}'");
                return Err(PyTypeError::new_err(Text::from(text)));
            }
        }
    }
    Ok(options)
}
