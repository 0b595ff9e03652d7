//! The methods that CPython calls to pickle and copy an object.

use std::marker::PhantomData;
use std::slice;

use pyo3::exceptions::PyTypeError;
use pyo3::impl_::pymethods::{PyMethodDef, PyMethodDefType};
use pyo3::impl_::trampoline::{MethodDef, fastcall_cfunction_with_keywords};
use pyo3::prelude::*;
use pyo3::{PyTypeInfo, ffi};

use super::arrive::{arrive, fields};
use super::copied::copy;
use super::leave::{How, arguments, leave, pair};
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
        PyMethodDefType::Method(PyMethodDef::fastcall_cfunction_with_keywords(
            c"__reduce_ex__",
            fastcall_cfunction_with_keywords::<ReduceEx<T>>,
            c"__reduce_ex__($self, protocol, /)\n--\n\n",
        )),
        PyMethodDefType::Method(PyMethodDef::fastcall_cfunction_with_keywords(
            c"__copy__",
            fastcall_cfunction_with_keywords::<Copy<T>>,
            c"__copy__($self, /)\n--\n\n",
        )),
        PyMethodDefType::Method(PyMethodDef::fastcall_cfunction_with_keywords(
            c"__deepcopy__",
            fastcall_cfunction_with_keywords::<DeepCopy<T>>,
            c"__deepcopy__($self, memo, /)\n--\n\n",
        )),
        PyMethodDefType::Method(
            PyMethodDef::fastcall_cfunction_with_keywords(
                c"__buffer_rebuild__",
                fastcall_cfunction_with_keywords::<Rebuild<T>>,
                c"__buffer_rebuild__($type, version, fields, /)\n--\n\nMakes an object of what a pickle says.",
            )
            .flags(ffi::METH_CLASS),
        ),
    ]
}

/// A method. It takes `self` (for `__buffer_rebuild__`, the class), its arguments, and the table of the class.
///
/// # Safety
///
/// The object is of the table's class or of a subclass.
type Method =
    for<'py> unsafe fn(&Bound<'py, PyAny>, &[Bound<'py, PyAny>], &'static Table) -> PyResult<Bound<'py, PyAny>>;

macro_rules! method {
    ($name:ident, $call:ident) => {
        struct $name<T>(PhantomData<fn(T)>);

        impl<T: Pickled> MethodDef<fastcall_cfunction_with_keywords::Func> for $name<T> {
            const METH: fastcall_cfunction_with_keywords::Func = |py, slf, args, count, names| {
                // SAFETY: the table is of this class, and CPython checks the object's class.
                unsafe { contained(py, slf, (args, count), names, const { &Table::of::<T>() }, $call) }
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
/// As CPython calls a method with an array of arguments and the names of keywords, of the table's class.
#[expect(clippy::unnecessary_wraps, reason = "the trampoline's signature")]
unsafe fn contained(
    py: Python<'_>,
    slf: *mut ffi::PyObject,
    (args, count): (*const *mut ffi::PyObject, ffi::Py_ssize_t),
    names: *mut ffi::PyObject,
    table: &'static Table,
    method: Method,
) -> PyResult<*mut ffi::PyObject> {
    // SAFETY: the caller vouches for the object.
    let object: Bound<'_, PyAny> = unsafe { Bound::from_borrowed_ptr(py, slf) };
    Ok(raising(py, std::ptr::null_mut(), || {
        // SAFETY: attached; the caller vouches for a tuple, or NULL.
        if !names.is_null() && unsafe { ffi::PyTuple_Size(names) } > 0 {
            let text = "this method takes no keyword arguments";
            return Err(exception::<PyTypeError>(py, text));
        }
        let args = if count == 0 {
            &[]
        } else {
            // A `Bound` is the address of an object, and these are not dropped.
            // SAFETY: the caller vouches for an array of as many objects, which are alive during the call.
            unsafe { slice::from_raw_parts(args.cast::<Bound<'_, PyAny>>(), count.cast_unsigned()) }
        };
        // SAFETY: the caller vouches for the object.
        unsafe { method(&object, args, table) }.map(Bound::into_ptr)
    }))
}

/// The only argument of a method.
fn only<'a, 'py>(py: Python<'py>, name: &str, arguments: &'a [Bound<'py, PyAny>]) -> PyResult<&'a Bound<'py, PyAny>> {
    let count = arguments.len();
    let text = format_args!("{name}() takes exactly one argument ({count} given)");
    if let [only] = arguments { Ok(only) } else { Err(exception::<PyTypeError>(py, text)) }
}

/// `__reduce_ex__(protocol)`
unsafe fn reduce_ex<'py>(
    object: &Bound<'py, PyAny>,
    args: &[Bound<'py, PyAny>],
    table: &'static Table,
) -> PyResult<Bound<'py, PyAny>> {
    let (py, class) = (object.py(), object.get_type());
    let protocol = only(py, "__reduce_ex__", args)?;
    // SAFETY: attached, with an object that is alive.
    let protocol = unsafe { ffi::PyLong_AsLong(protocol.as_ptr()) };
    if protocol == -1 && PyErr::occurred(py) {
        return Err(raised(py));
    }
    let lineage = lineage::of(class.as_any(), table)?;
    match lineage {
        Lineage::Itself => {}
        lineage => {
            if let Some(reduced) = reduced(object)? {
                return Ok(reduced);
            }
            if lineage == Lineage::Rust {
                return Err(lineage::added(py, table));
            }
        }
    }
    lineage::check_is_found(py, table)?;
    // SAFETY: the caller vouches for the object.
    let fields = unsafe { leave(object, table, How::of_protocol(protocol), None) }?;
    let arguments = arguments(&fields)?;
    let is_itself = lineage == Lineage::Itself;
    let rebuild = table.strings().rebuild(class.as_any(), is_itself)?;
    let state = if is_itself && state::is_none(class.as_any(), table)? { None } else { state::of(object)? };
    let Some(state) = state else { return pair(&rebuild, &arguments) };
    // SAFETY: attached, with three objects that are alive.
    let made = unsafe { ffi::PyTuple_Pack(3, rebuild.as_ptr(), arguments.as_ptr(), state.as_ptr()) };
    // SAFETY: the result is an owned reference, or NULL.
    unsafe { owned(py, made) }
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
unsafe fn shallow<'py>(
    object: &Bound<'py, PyAny>,
    args: &[Bound<'py, PyAny>],
    table: &'static Table,
) -> PyResult<Bound<'py, PyAny>> {
    if !args.is_empty() {
        let count = args.len();
        let text = format_args!("__copy__() takes no arguments ({count} given)");
        return Err(exception::<PyTypeError>(object.py(), text));
    }
    // SAFETY: the caller vouches for the object.
    unsafe { copy(object, table, None) }
}

/// `__deepcopy__(memo)`
unsafe fn deep<'py>(
    object: &Bound<'py, PyAny>,
    args: &[Bound<'py, PyAny>],
    table: &'static Table,
) -> PyResult<Bound<'py, PyAny>> {
    let memo = only(object.py(), "__deepcopy__", args)?.clone();
    // SAFETY: the caller vouches for the object.
    unsafe { copy(object, table, Some(memo)) }
}

/// `__buffer_rebuild__(version, fields)`
unsafe fn rebuild<'py>(
    class: &Bound<'py, PyAny>,
    args: &[Bound<'py, PyAny>],
    table: &'static Table,
) -> PyResult<Bound<'py, PyAny>> {
    arrive(class, table, fields(class.py(), table, args)?, false)
}
