//! `__dlpack__` and `__dlpack_device__`, as Python calls them.

use std::marker::PhantomData;
use std::ptr;

use pyo3::impl_::pymethods::{PyMethodDef, PyMethodDefType};
use pyo3::impl_::trampoline::{MethodDef, fastcall_cfunction_with_keywords, noargs};
use pyo3::{PyResult, Python, ffi};

use super::abi::Device;
use super::export::{export, export_at_once};
use super::request::Request;
use crate::cell::orphans;
use crate::contain::raising;
use crate::export::{ClassTable, Exporter, Slot};
use crate::part::resolve;
use crate::pending::raised;

/// The method `__dlpack__` of the class of an exporter.
pub(crate) const fn method<T: Exporter>() -> PyMethodDefType {
    PyMethodDefType::Method(PyMethodDef::fastcall_cfunction_with_keywords(
        c"__dlpack__",
        dlpack::<T>,
        c"__dlpack__($self, *, stream=None, max_version=None, dl_device=None, copy=None)\n--\n\n",
    ))
}

/// The method `__dlpack_device__` of every class.
pub(crate) const fn device() -> PyMethodDefType {
    PyMethodDefType::Method(PyMethodDef::noargs(
        c"__dlpack_device__",
        noargs::<OnDevice>,
        c"__dlpack_device__($self)\n--\n\n",
    ))
}

/// `__dlpack__` of a class that exports memory.
///
/// # Safety
///
/// As CPython calls a method of `T::Class` with a vector of arguments: attached.
unsafe extern "C" fn dlpack<T: Exporter>(
    slf: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargs: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: CPython calls methods attached.
    let py = unsafe { Python::assume_attached() };
    // As for views, a request that runs no user code is answered without PyO3's trampoline.
    // SAFETY: as the caller vouches; the table is that of the class.
    let at_once = || Ok(unsafe { dlpack_at_once(py, slf, args, nargs, names, <T::Cell as Slot<T>>::TABLE) });
    match raising(py, Some(ptr::null_mut()), at_once) {
        Some(capsule) => capsule,
        // SAFETY: as the caller vouches.
        None => unsafe { fastcall_cfunction_with_keywords::<Tensor<T>>(slf, args, nargs, names) },
    }
}

/// A capsule, or NULL with an exception set. `None` if user code may have to run, or if there is no tensor; then
/// nothing has changed.
///
/// # Safety
///
/// As for [`dlpack`], for the class that the table belongs to.
unsafe fn dlpack_at_once(
    py: Python<'_>,
    slf: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargs: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
    table: &'static ClassTable,
) -> Option<*mut ffi::PyObject> {
    // SAFETY: the caller vouches for the arguments.
    let request = unsafe { Request::read_at_once(py, args, nargs, names) }?;
    if orphans::are_waiting() {
        return None;
    }
    // SAFETY: the caller vouches for the object and its table.
    unsafe { export_at_once(py, slf, table, request) }
}

struct Tensor<T>(PhantomData<T>);

impl<T: Exporter> MethodDef<fastcall_cfunction_with_keywords::Func> for Tensor<T> {
    const METH: fastcall_cfunction_with_keywords::Func = trampolined::<T>;
}

/// # Safety
///
/// As for [`dlpack`].
unsafe fn trampolined<T: Exporter>(
    py: Python<'_>,
    slf: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargs: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> PyResult<*mut ffi::PyObject> {
    // SAFETY: as the caller vouches; the table is that of the class.
    unsafe { dlpack_of(py, slf, args, nargs, names, <T::Cell as Slot<T>>::TABLE) }
}

/// # Safety
///
/// As for [`dlpack`], for the class that the table belongs to.
#[cold]
#[inline(never)]
#[expect(clippy::unnecessary_wraps, reason = "the trampoline's signature")]
unsafe fn dlpack_of(
    py: Python<'_>,
    slf: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargs: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
    table: &'static ClassTable,
) -> PyResult<*mut ffi::PyObject> {
    Ok(raising(py, ptr::null_mut(), || {
        // SAFETY: the caller vouches for the arguments.
        let request = unsafe { Request::read(py, args, nargs, names) }?;
        orphans::free_waiting(py);
        // SAFETY: the caller vouches for the object and its table.
        let (object, table) = unsafe { resolve(py, slf, table) };
        // SAFETY: as above.
        unsafe { export(py, object, table, request) }
    }))
}

struct OnDevice;

impl MethodDef<noargs::Func> for OnDevice {
    const METH: noargs::Func = on_device;
}

/// # Safety
///
/// Attached.
#[expect(clippy::unnecessary_wraps, reason = "the trampoline's signature")]
unsafe fn on_device(py: Python<'_>, _slf: *mut ffi::PyObject) -> PyResult<*mut ffi::PyObject> {
    Ok(raising(py, ptr::null_mut(), || {
        let Device { kind, id } = Device::CPU;
        // SAFETY: attached; the format takes two integers.
        let device = unsafe { ffi::Py_BuildValue(c"(ii)".as_ptr(), kind, id) };
        if device.is_null() { Err(raised(py)) } else { Ok(device) }
    }))
}
