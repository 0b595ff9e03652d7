//! The methods that CPython calls to pickle and copy an object.

use std::marker::PhantomData;

use pyo3::exceptions::PyTypeError;
use pyo3::impl_::pymethods::{PyMethodDef, PyMethodDefType};
use pyo3::impl_::trampoline::{MethodDef, cfunction_with_keywords};
use pyo3::prelude::*;
use pyo3::{PyTypeInfo, ffi};

use super::arrive::arrive;
use super::copied::copy;
use super::leave::{How, leave};
use super::lineage::{self, Lineage};
use super::state::{self, call};
use super::table::{Pickled, Table};
use crate::contain::raising;
use crate::exception::exception;
use crate::lookup::attribute;
use crate::pending::{owned, raised};

/// The methods of a class.
///
/// # Safety
///
/// The methods are added to this class only.
#[must_use]
pub const unsafe fn methods<T: Pickled>() -> [PyMethodDefType; 4] {
    [
        PyMethodDefType::Method(PyMethodDef::cfunction_with_keywords(
            c"__reduce_ex__",
            cfunction_with_keywords::<ReduceEx<T>>,
            c"__reduce_ex__($self, protocol, /)\n--\n\n",
        )),
        PyMethodDefType::Method(PyMethodDef::cfunction_with_keywords(
            c"__copy__",
            cfunction_with_keywords::<Copy<T>>,
            c"__copy__($self, /)\n--\n\n",
        )),
        PyMethodDefType::Method(PyMethodDef::cfunction_with_keywords(
            c"__deepcopy__",
            cfunction_with_keywords::<DeepCopy<T>>,
            c"__deepcopy__($self, memo, /)\n--\n\n",
        )),
        PyMethodDefType::Method(
            PyMethodDef::cfunction_with_keywords(
                c"__buffer_rebuild__",
                cfunction_with_keywords::<Rebuild<T>>,
                c"__buffer_rebuild__($type, version, fields, /)\n--\n\nMakes an object of what a pickle says.",
            )
            .flags(ffi::METH_CLASS),
        ),
    ]
}

/// A method. It takes `self` (for `__buffer_rebuild__`, the class), its arguments, and the table of the class.
type Method =
    unsafe fn(&Bound<'_, PyAny>, args: *mut ffi::PyObject, table: &'static Table) -> PyResult<*mut ffi::PyObject>;

macro_rules! method {
    ($name:ident, $call:ident) => {
        struct $name<T>(PhantomData<fn(T)>);

        impl<T: Pickled> MethodDef<cfunction_with_keywords::Func> for $name<T> {
            const METH: cfunction_with_keywords::Func = |py, slf, args, kwargs| {
                // SAFETY: the table is of this class, and CPython checks the object's class.
                unsafe { contained(py, slf, args, kwargs, const { &Table::of::<T>() }, $call) }
            };
        }
    };
}

method!(ReduceEx, reduce_ex);
method!(Copy, shallow);
method!(DeepCopy, deep);
method!(Rebuild, rebuild);

/// Calls a method, and sets its exception.
///
/// # Safety
///
/// As CPython calls a method with a tuple and keywords, of the table's class.
#[expect(clippy::unnecessary_wraps, reason = "the trampoline's signature")]
unsafe fn contained(
    py: Python<'_>,
    slf: *mut ffi::PyObject,
    args: *mut ffi::PyObject,
    kwargs: *mut ffi::PyObject,
    table: &'static Table,
    method: Method,
) -> PyResult<*mut ffi::PyObject> {
    // SAFETY: the caller vouches for the object.
    let object: Bound<'_, PyAny> = unsafe { Bound::from_borrowed_ptr(py, slf) };
    Ok(raising(py, std::ptr::null_mut(), || {
        // SAFETY: attached; the caller vouches for a dict, or NULL.
        if !kwargs.is_null() && unsafe { ffi::PyDict_Size(kwargs) } > 0 {
            let text = "this method takes no keyword arguments";
            return Err(exception::<PyTypeError>(py, text));
        }
        // SAFETY: the caller vouches for the object and the arguments.
        unsafe { method(&object, args, table) }
    }))
}

/// `__reduce_ex__(protocol)`
unsafe fn reduce_ex(
    object: &Bound<'_, PyAny>,
    args: *mut ffi::PyObject,
    table: &'static Table,
) -> PyResult<*mut ffi::PyObject> {
    let (py, class) = (object.py(), object.get_type());
    let mut protocol = 0;
    // SAFETY: attached, with a tuple that is alive, and room for an integer.
    if unsafe { ffi::PyArg_ParseTuple(args, c"i:__reduce_ex__".as_ptr(), &raw mut protocol) } == 0 {
        return Err(raised(py));
    }
    match lineage::of(class.as_any(), table)? {
        Lineage::Itself => {}
        lineage => {
            if let Some(reduced) = reduced(object)? {
                return Ok(reduced.into_ptr());
            }
            if lineage == Lineage::Rust {
                return Err(lineage::added(py, table));
            }
        }
    }
    lineage::check_is_found(py, table)?;
    // SAFETY: the caller vouches for the object.
    let arguments = unsafe { leave(object, table, How::of_protocol(protocol), None) }?;
    let rebuild = attribute(class.as_any(), c"__buffer_rebuild__")?;
    let made = match state::of(object)? {
        // SAFETY: attached; the format takes two objects that are alive.
        None => unsafe { ffi::Py_BuildValue(c"(OO)".as_ptr(), rebuild.as_ptr(), arguments.as_ptr()) },
        // SAFETY: attached; the format takes three objects that are alive.
        Some(state) => unsafe {
            ffi::Py_BuildValue(c"(OOO)".as_ptr(), rebuild.as_ptr(), arguments.as_ptr(), state.as_ptr())
        },
    };
    // SAFETY: the result is an owned reference, or NULL.
    unsafe { owned(py, made) }.map(Bound::into_ptr)
}

/// The result of `__reduce__`, if a subclass has defined its own.
pub(super) fn reduced<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let own = attribute(object.get_type().as_any(), c"__reduce__")?;
    let base = PyAny::type_object(object.py());
    if own.is(&attribute(base.as_any(), c"__reduce__")?) {
        return Ok(None);
    }
    call(&attribute(object, c"__reduce__")?, None).map(Some)
}

/// `__copy__()`
unsafe fn shallow(
    object: &Bound<'_, PyAny>,
    args: *mut ffi::PyObject,
    table: &'static Table,
) -> PyResult<*mut ffi::PyObject> {
    // SAFETY: attached, with a tuple that is alive.
    if unsafe { ffi::PyArg_ParseTuple(args, c":__copy__".as_ptr()) } == 0 {
        return Err(raised(object.py()));
    }
    // SAFETY: the caller vouches for the object.
    unsafe { copy(object, table, None) }.map(Bound::into_ptr)
}

/// `__deepcopy__(memo)`
unsafe fn deep(
    object: &Bound<'_, PyAny>,
    args: *mut ffi::PyObject,
    table: &'static Table,
) -> PyResult<*mut ffi::PyObject> {
    let mut memo = std::ptr::null_mut();
    // SAFETY: attached, with a tuple that is alive, and room for an object.
    if unsafe { ffi::PyArg_ParseTuple(args, c"O:__deepcopy__".as_ptr(), &raw mut memo) } == 0 {
        return Err(raised(object.py()));
    }
    // SAFETY: attached; the tuple has this object.
    let memo = unsafe { Bound::from_borrowed_ptr(object.py(), memo) };
    // SAFETY: the caller vouches for the object.
    unsafe { copy(object, table, Some(memo)) }.map(Bound::into_ptr)
}

/// `__buffer_rebuild__(version, fields)`
unsafe fn rebuild(
    class: &Bound<'_, PyAny>,
    args: *mut ffi::PyObject,
    table: &'static Table,
) -> PyResult<*mut ffi::PyObject> {
    // SAFETY: attached; the caller vouches for a tuple.
    let args = unsafe { Bound::from_borrowed_ptr(class.py(), args) };
    arrive(class, table, &args, false).map(Bound::into_ptr)
}
