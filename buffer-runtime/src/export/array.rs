//! `__array__`, so that numpy raises the error of a refused view.

use pyo3::exceptions::PyTypeError;
use pyo3::impl_::pymethods::{PyMethodDef, PyMethodDefType};
use pyo3::impl_::trampoline::{MethodDef, cfunction_with_keywords};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyString, PyTuple};
use pyo3::{Borrowed, ffi};

use crate::contain::raising;
use crate::exception::{ClassName, exception};
use crate::lookup::{self, attribute};
use crate::pending::owned;

/// `__array__`. When a view is refused, numpy discards the error and calls `__array__`. Without that method, numpy
/// would make an array of one object. So `__array__` requests the view once more, and raises its error. If the view is
/// granted, numpy never calls `__array__`.
pub(super) const METHOD: PyMethodDefType = PyMethodDefType::Method(PyMethodDef::cfunction_with_keywords(
    c"__array__",
    cfunction_with_keywords::<Array>,
    c"__array__($self, dtype=None, *, copy=None)\n--\n\n",
));

struct Array;

impl MethodDef<cfunction_with_keywords::Func> for Array {
    const METH: cfunction_with_keywords::Func = array;
}

/// # Safety
///
/// As CPython calls a method with a tuple and keywords.
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

/// The result of an object's `__array__`: an array of a view, or the error that refuses the view.
pub(crate) fn array_of<'py>(
    object: &Bound<'py, PyAny>,
    args: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let view = memoryview(object)?;
    let Options { dtype, copy } = Options::read(args, keywords)?;
    let (py, none) = (object.py(), object.py().None());
    let or_none = |value: &Option<Bound<'py, PyAny>>| value.as_ref().map_or(none.as_ptr(), Bound::as_ptr);
    let array = attribute(&lookup::numpy(py)?, c"array")?;
    // SAFETY: attached; the format takes one object, which is alive.
    let args = unsafe { ffi::Py_BuildValue(c"(O)".as_ptr(), view.as_ptr()) };
    // SAFETY: the result is an owned reference, or NULL.
    let args = unsafe { owned(py, args) }?;
    let (dtype, copy) = ((c"dtype".as_ptr(), or_none(&dtype)), (c"copy".as_ptr(), or_none(&copy)));
    // SAFETY: attached; the format takes a text and an object, twice.
    let options = unsafe { ffi::Py_BuildValue(c"{sOsO}".as_ptr(), dtype.0, dtype.1, copy.0, copy.1) };
    // SAFETY: as for `args`.
    let options = unsafe { owned(py, options) }?;
    // SAFETY: attached, with a callable, a tuple and a dict that are alive.
    let made = unsafe { ffi::PyObject_Call(array.as_ptr(), args.as_ptr(), options.as_ptr()) };
    // SAFETY: as for `args`.
    unsafe { owned(py, made) }
}

/// As `PyMemoryView::from`, but without resuming the panic of an exporter that panicked: that is returned as an error.
pub(crate) fn memoryview<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: attached, as the object proves, and the object is alive.
    let view = unsafe { ffi::PyMemoryView_FromObject(object.as_ptr()) };
    // SAFETY: the result is an owned reference, or NULL.
    unsafe { owned(object.py(), view) }
}

/// The arguments for `numpy.array`. Every version of numpy accepts `None` for both: a type that fits, and a copy if one
/// is needed.
#[derive(Default)]
struct Options<'py> {
    dtype: Option<Bound<'py, PyAny>>,
    copy: Option<Bound<'py, PyAny>>,
}

impl<'py> Options<'py> {
    fn read(args: &Bound<'py, PyTuple>, keywords: Option<&Bound<'py, PyDict>>) -> PyResult<Self> {
        let py = args.py();
        let mut options = Self::default();
        if args.len() > 1 {
            let count = args.len();
            let text = format_args!("__array__() takes at most 1 positional argument ({count} given)");
            return Err(exception::<PyTypeError>(py, text));
        }
        options.dtype = args.get_item(0).ok();
        for (name, value) in keywords.into_iter().flatten() {
            match name.cast::<PyString>()?.to_str()? {
                "dtype" if args.is_empty() => options.dtype = Some(value),
                "copy" if value.is_none() || value.is_instance_of::<PyBool>() => options.copy = Some(value),
                "copy" => {
                    let class = ClassName::of(&value)?;
                    let text = format_args!("__array__() takes True, False or None for 'copy', not '{class}'");
                    return Err(exception::<PyTypeError>(py, text));
                }
                other => {
                    let text = format_args!("__array__() got an unexpected or repeated keyword argument '{other}'");
                    return Err(exception::<PyTypeError>(py, text));
                }
            }
        }
        Ok(options)
    }
}
