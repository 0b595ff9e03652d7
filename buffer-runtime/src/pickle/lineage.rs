//! The ancestry of a class: whether pickle finds the class by its name, and what subclasses have added.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::refused::{cause_of, pickling};
use super::table::Table;
use crate::lookup::Name;
use crate::pending::{owned, raised};

/// What kind of code has extended the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lineage {
    /// None: it is the class itself.
    Itself,
    /// Python code, whose additions are empty in a new object.
    Python,
    /// Rust or C code, whose fields would not be initialised.
    Rust,
}

/// What kind of code has extended the table's class to `class`, which is that class or a subclass.
pub(super) fn of(class: &Bound<'_, PyAny>, table: &Table) -> PyResult<Lineage> {
    let py = class.py();
    let root = table.class(py);
    if class.is(&*root) {
        return Ok(Lineage::Itself);
    }
    let made_by_python = dealloc_of_python_classes(py)?;
    let mut class = class.as_ptr();
    // `tp_base` is the base class whose memory a class extends, if it extends any.
    while class != root.as_ptr() {
        // One function deallocates the objects of all classes that Python code makes. PyO3's classes have functions of
        // their own.
        if class.is_null() || slot(class, ffi::Py_tp_dealloc) != made_by_python {
            return Ok(Lineage::Rust);
        }
        class = slot(class, ffi::Py_tp_base).cast();
    }
    Ok(Lineage::Python)
}

/// The function that deallocates the objects of classes that Python code makes.
///
/// It is read from a class that is created here. A lookup by name might find another class, or no class at all: Python
/// code may have assigned to `abc.ABC`.
fn dealloc_of_python_classes(py: Python<'_>) -> PyResult<*mut c_void> {
    static DEALLOC: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
    // Relaxed: the address is only compared. All threads store the same one.
    let known = DEALLOC.load(Ordering::Relaxed);
    if !known.is_null() {
        return Ok(known);
    }
    let make: *mut ffi::PyObject = (&raw mut ffi::PyType_Type).cast();
    // SAFETY: attached, as the token proves, with a static type; the format takes a C string.
    let class = unsafe { ffi::PyObject_CallFunction(make, c"s(){}".as_ptr(), c"_".as_ptr()) };
    // SAFETY: the result is an owned reference, or NULL.
    let class = unsafe { owned(py, class) }?;
    let dealloc = slot(class.as_ptr(), ffi::Py_tp_dealloc);
    DEALLOC.store(dealloc, Ordering::Relaxed);
    Ok(dealloc)
}

/// A slot of a class; NULL for a class that is not allocated on the heap, whose slots Python 3.9 cannot read.
fn slot(class: *mut ffi::PyObject, slot: c_int) -> *mut c_void {
    // SAFETY: attached, as all callers are, with a class that is alive.
    if unsafe { ffi::PyType_GetFlags(class.cast()) } & ffi::Py_TPFLAGS_HEAPTYPE == 0 {
        return ptr::null_mut();
    }
    // SAFETY: as above.
    unsafe { ffi::PyType_GetSlot(class.cast(), slot) }
}

/// Checks that a pickle can name the class.
///
/// # Errors
///
/// `PicklingError` if the class is not where its `__module__` says.
pub(super) fn check_is_found(py: Python<'_>, table: &Table) -> PyResult<()> {
    static MODULE: Name = Name::new(c"__module__");
    static QUALNAME: Name = Name::new(c"__qualname__");
    let class = table.class(py);
    let (from, qualname, name) = (MODULE.of(&class)?, QUALNAME.of(&class)?, table.name);
    let found_in = |module| {
        // SAFETY: the result is an owned reference, or NULL.
        let module = unsafe { owned(py, module) }?;
        // SAFETY: attached, with objects that are alive.
        let found = unsafe { ffi::PyObject_GetAttr(module.as_ptr(), qualname.as_ptr()) };
        // SAFETY: the result is an owned reference, or NULL.
        unsafe { owned(py, found) }
    };
    // The module has been imported, unless Python code has removed it. An import takes ten times as long.
    // SAFETY: attached, with an object that is alive.
    let imported = unsafe { ffi::PyImport_GetModule(from.as_ptr()) };
    if !imported.is_null() {
        if found_in(imported).is_ok_and(|found| found.is(&*class)) {
            return Ok(());
        }
    } else if PyErr::occurred(py) {
        drop(raised(py));
    }
    // SAFETY: attached, with an object that is alive.
    let found = || found_in(unsafe { ffi::PyImport_Import(from.as_ptr()) });
    let module = from.cast::<PyString>()?.to_str()?;
    let refused = |py| {
        let text = format_args!(
            "cannot pickle this `{name}`: the class is not found as `{module}.{name}`; write `module = \"...\"` in its \
             `#[pyclass]`, with the module from which it can be imported"
        );
        pickling(py, text)
    };
    match found() {
        Ok(found) if found.is(&*class) => Ok(()),
        Ok(_) => Err(refused(py)),
        Err(error) => Err(cause_of(py, error, refused)),
    }
}

/// The exception for an object whose class was extended by Rust code.
pub(super) fn added(py: Python<'_>, table: &Table) -> PyErr {
    let name = table.name;
    let text = format_args!(
        "cannot pickle this object: its class extends `{name}` in Rust, with fields that `{name}` does not know; define \
         `__reduce__` in its `#[pymethods]`"
    );
    pickling(py, text)
}
