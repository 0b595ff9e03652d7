//! Builds an object from the data of a pickle, all of which may be wrong.

use std::ffi::c_int;

use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyTypeInfo, ffi};

use super::VERSION;
use super::format::Portable;
use super::frame::{Frame, Kind, Shape, Wrong};
use super::lineage::{self, Lineage};
use super::refused::{cause_of, is_unpickling, unpickling};
use super::strings::FieldName;
use super::table::Table;
use crate::cell::orphans::free_waiting;
use crate::element::Element;
use crate::exception::{ClassName, exception};
use crate::export::peek::peek;
use crate::limits::MAX_NDIM;
use crate::lookup::{Name, item};
use crate::pending::{owned, raised};
use crate::storage::Import;

/// The values that have arrived, by field name.
#[derive(Debug)]
pub struct Arrived<'a, 'py> {
    values: &'a Bound<'py, PyDict>,
    class: &'static str,
    /// Whether storages may keep the memory.
    may_be_kept: bool,
}

impl<'py> Arrived<'_, 'py> {
    pub(super) fn py(&self) -> Python<'py> {
        self.values.py()
    }

    /// The name of the class.
    pub(super) fn class(&self) -> &'static str {
        self.class
    }

    /// The value of a field.
    ///
    /// # Errors
    ///
    /// `UnpicklingError` if the value is missing.
    pub(super) fn value(&self, name: &'static Name) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py();
        match item(self.values, name.string(py)?)? {
            Some(value) => Ok(value),
            None => Err(unpickling(
                py,
                format_args!(
                    "the pickle has no field `{}`, which `{}` has; it is of another version of this class",
                    name.text(),
                    self.class
                ),
            )),
        }
    }

    /// Calls `with` on the memory for a cell of these elements. Returns the `Refused` that makes an exception if `with`
    /// refuses the memory.
    ///
    /// # Errors
    ///
    /// `UnpicklingError` if the memory is missing, or if it has other elements.
    pub(super) fn with_frame<E: Element>(
        &self,
        name: &'static FieldName,
        kind: Kind,
        with: impl FnOnce(&mut Frame),
    ) -> PyResult<Refused<'py>> {
        let (py, value) = (self.py(), self.value(&name.name)?);
        let own = name.format(py, Portable::of::<E>)?;
        let name = FieldOfClass { class: self.class, field: name.name.text() };
        let wrong = || {
            let FieldOfClass { class, field } = name;
            unpickling(py, format_args!("the pickle's value for the field `{field}` of `{class}` is no memory"))
        };
        let (mut format, mut memory) = (std::ptr::null_mut(), std::ptr::null_mut::<ffi::PyObject>());
        let (mut bytes_of_row, mut shape) = (0_isize, std::ptr::null_mut::<ffi::PyObject>());
        // SAFETY: attached, with an object that is alive.
        if unsafe { ffi::PyTuple_Check(value.as_ptr()) } == 0 {
            return Err(wrong());
        }
        let tuple = PyTuple::type_object_raw(py);
        let (value, format_at, memory_at) = (value.as_ptr(), &raw mut format, &raw mut memory);
        let parsed = match kind {
            // SAFETY: attached, with a tuple that is alive, and room for what the format asks for.
            Kind::OnePiece => unsafe { ffi::PyArg_ParseTuple(value, c"UO".as_ptr(), format_at, memory_at) },
            // SAFETY: as above.
            Kind::Rows => unsafe {
                ffi::PyArg_ParseTuple(value, c"UOn".as_ptr(), format_at, memory_at, &raw mut bytes_of_row)
            },
            // SAFETY: as above.
            Kind::Array => unsafe {
                ffi::PyArg_ParseTuple(value, c"UOO!".as_ptr(), format_at, memory_at, tuple, &raw mut shape)
            },
        };
        if parsed == 0 {
            return Err(cause_of(py, raised(py), |_| wrong()));
        }
        // SAFETY: attached; the tuple is alive and has this object.
        let format: Bound<'py, PyAny> = unsafe { Bound::from_borrowed_ptr(py, format) };
        // SAFETY: as above.
        let memory = unsafe { Bound::from_borrowed_ptr(py, memory) };
        // SAFETY: attached, with two strings that are alive.
        match unsafe { ffi::PyUnicode_Compare(own.as_ptr(), format.as_ptr()) } {
            0 => {}
            _ if PyErr::occurred(py) => return Err(raised(py)),
            _ => {
                let FieldOfClass { class, field } = name;
                let own = Portable::of::<E>();
                let text = format_args!(
                    "the pickle's memory for the field `{field}` of `{class}` has other elements than `{own}`; it is of \
                     another version of this class, or of a machine with another byte order"
                );
                return Err(unpickling(py, text));
            }
        }
        let shape = match kind {
            Kind::OnePiece => Shape::OnePiece,
            Kind::Rows => Shape::of_rows::<E>(bytes_of_row).ok_or_else(wrong)?,
            Kind::Array => {
                // SAFETY: attached; the tuple is alive and has this object, whose class the parser has checked.
                let shape: Bound<'py, PyAny> = unsafe { Bound::from_borrowed_ptr(py, shape) };
                let shape = shape.cast::<PyTuple>()?;
                if shape.len() > MAX_NDIM {
                    return Err(wrong());
                }
                let mut extents = Vec::new();
                let refused = Refused { py, name };
                extents.try_reserve_exact(shape.len()).map_err(|error| refused.because(&error.into()))?;
                for extent in shape {
                    extents.push(extent.extract().map_err(|error| cause_of(py, error, |_| wrong()))?);
                }
                Shape::Array(extents)
            }
        };
        let refused = Refused { py, name };
        let view = request(&memory, name)?;
        let mut frame = Frame::of(view, shape, self.may_be_kept).map_err(|wrong| refused.because(&wrong))?;
        with(&mut frame);
        if let Some(view) = frame.into_view() {
            view.release(py);
        }
        Ok(refused)
    }
}

/// The field that a frame is for, and its class.
#[derive(Debug, Clone, Copy)]
struct FieldOfClass {
    class: &'static str,
    field: &'static str,
}

/// Makes the exceptions for a wrong frame.
#[derive(Clone, Copy)]
pub(super) struct Refused<'py> {
    py: Python<'py>,
    name: FieldOfClass,
}

impl Refused<'_> {
    pub(super) fn because(self, wrong: &Wrong) -> PyErr {
        let Self { py, name: FieldOfClass { class, field } } = self;
        if matches!(wrong, Wrong::NoMemory) {
            return exception::<PyMemoryError>(py, "there is no memory for the unpickled elements");
        }
        unpickling(py, format_args!("the pickle's memory for the field `{field}` of `{class}` is wrong: {wrong}"))
    }
}

/// Requests a view of the bytes of an object.
///
/// # Errors
///
/// `UnpicklingError` if the object has no bytes in one piece; `MemoryError`.
fn request(object: &Bound<'_, PyAny>, name: FieldOfClass) -> PyResult<Import> {
    let py = object.py();
    // Release the views of objects that were dropped on other threads, so that these views do not accumulate.
    free_waiting(py);
    let no_memory = |_| exception::<PyMemoryError>(py, "there is no memory for a view");
    // SAFETY: attached, with an object that is alive.
    match unsafe { Import::request(py, object.as_ptr(), no_memory) } {
        Ok(view) => Ok(view),
        Err(error) => {
            let (FieldOfClass { field, .. }, class) = (name, ClassName::of(object)?);
            Err(cause_of(py, error, |py| {
                unpickling(py, format_args!("the memory of `{field}` is a `{class}`, which has no bytes in one piece"))
            }))
        }
    }
}

/// Checks the arguments of `__buffer_rebuild__`, which are any objects, and returns the `dict` of all fields.
///
/// # Errors
///
/// `UnpicklingError` if they are not a version and a `dict`, or if the version is another one.
pub(super) fn fields<'a, 'py>(
    py: Python<'py>,
    table: &Table,
    arguments: &'a [Bound<'py, PyAny>],
) -> PyResult<&'a Bound<'py, PyDict>> {
    let name = table.name;
    let wrong = |py| {
        let text = format_args!("what the pickle says about this `{name}` is not what a pickle of this class says");
        unpickling(py, text)
    };
    let [version, fields] = arguments else { return Err(wrong(py)) };
    let Ok(fields) = fields.cast::<PyDict>() else { return Err(wrong(py)) };
    // SAFETY: attached, with an object that is alive.
    let version = unsafe { ffi::PyLong_AsLong(version.as_ptr()) };
    if version == -1 && PyErr::occurred(py) {
        return Err(cause_of(py, raised(py), wrong));
    }
    let Ok(version) = c_int::try_from(version) else { return Err(wrong(py)) };
    if version != VERSION {
        let text = format_args!(
            "the pickle of this `{name}` has the version {version}, but this build reads the version {VERSION}; \
             read it with the build that wrote it"
        );
        return Err(unpickling(py, text));
    }
    Ok(fields)
}

/// Makes an object of a class from the fields that [`leave`](super::leave::leave) has collected, or from any others. If
/// they come from an object that is being copied (`is_copy`), the new object must not keep the memory of that object.
///
/// # Errors
///
/// `UnpicklingError` if anything is wrong with the fields; `MemoryError`.
pub(super) fn arrive<'py>(
    class: &Bound<'py, PyAny>,
    table: &Table,
    values: &Bound<'py, PyDict>,
    is_copy: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let (py, name) = (class.py(), table.name);
    if lineage::of(class, table)? == Lineage::Rust {
        let text = format_args!(
            "this class adds fields of Rust to `{name}`, of which a pickle of `{name}` says nothing; give it a `__reduce__` of \
             its own"
        );
        return Err(unpickling(py, text));
    }
    let arrived = Arrived { values, class: name, may_be_kept: !is_copy };
    // SAFETY: no Rust code has added fields to the class.
    let made = unsafe { table.make(&arrived, class.as_ptr().cast()) };
    let wrong = |error| {
        if is_unpickling(py, &error) {
            return error;
        }
        cause_of(py, error, |py| unpickling(py, format_args!("cannot make a `{name}` of this pickle")))
    };
    // SAFETY: the result is an owned reference.
    let object = unsafe { owned(py, made.map_err(wrong)?) }?;
    check_no_other(values, table)?;
    for (field, cell) in table.cells() {
        // SAFETY: the object is of the table's class or of a subclass.
        if let Err(error) = unsafe { peek(py, object.as_ptr(), cell) } {
            let text = format_args!(
                "the pickle's memory for the field `{}` of `{name}` does not fit its other fields",
                field.name.text()
            );
            return Err(cause_of(py, error, |py| unpickling(py, text)));
        }
    }
    Ok(object)
}

/// Checks that there are no values besides those of the fields, all of which are present.
fn check_no_other(values: &Bound<'_, PyDict>, table: &Table) -> PyResult<()> {
    let (count, name, fields) = (values.len(), table.name, table.strings().fields.len());
    if count == fields {
        return Ok(());
    }
    let text = format_args!(
        "the pickle has {count} fields, but `{name}` has {fields}; it is of another version of this class"
    );
    Err(unpickling(values.py(), text))
}
