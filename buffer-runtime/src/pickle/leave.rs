//! Takes an object apart: its cells, whose memory is lent or copied, and the values of its other fields.

use std::ffi::c_long;

#[cfg(feature = "ndarray")]
use pyo3::exceptions::PyMemoryError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use super::VERSION;
use super::format::Portable;
use super::strings::FieldName;
use super::table::Table;
#[cfg(feature = "ndarray")]
use crate::exception::exception;
use crate::export::ClassTable;
use crate::export::array::memoryview;
#[cfg(feature = "ndarray")]
use crate::export::peek::own_layout;
use crate::export::peek::{Peeked, peek};
use crate::lookup::{Name, attribute, module};
#[cfg(feature = "ndarray")]
use crate::memory::collect;
use crate::part::Part;
use crate::pending::{owned, raised};

/// How the memory of a cell leaves the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// As a `PickleBuffer`, whose memory a pickle may pass out of band or copy.
    Lent,
    /// As a copy, in `bytes`, for an older pickle.
    Copied,
    /// As the memory itself, which another object copies at once.
    Shown,
}

/// The first protocol with out-of-band buffers.
const OUT_OF_BAND: c_long = 5;

impl How {
    /// How a pickle of this protocol takes the memory.
    pub(super) fn of_protocol(protocol: c_long) -> Self {
        if protocol < OUT_OF_BAND { Self::Copied } else { Self::Lent }
    }
}

/// The values of an object's fields, by name.
#[derive(Debug)]
pub struct Given<'py> {
    /// A `dict`.
    values: Bound<'py, PyAny>,
    /// `copy.deepcopy` and its memo, if values are to be copied.
    deep: Option<Deep<'py>>,
}

/// `copy.deepcopy`, and the memo of one copy.
#[derive(Debug, Clone)]
pub(super) struct Deep<'py> {
    deepcopy: Bound<'py, PyAny>,
    pub(super) memo: Bound<'py, PyAny>,
}

impl<'py> Deep<'py> {
    pub(super) fn new(memo: Bound<'py, PyAny>) -> PyResult<Self> {
        let deepcopy = attribute(&module(memo.py(), c"copy")?, c"deepcopy")?;
        Ok(Self { deepcopy, memo })
    }

    pub(super) fn copy(&self, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = value.py();
        let (deepcopy, memo) = (self.deepcopy.as_ptr(), self.memo.as_ptr());
        let end = std::ptr::null_mut::<ffi::PyObject>();
        // SAFETY: attached; all objects are alive, and a NULL ends the arguments.
        let copy = unsafe { ffi::PyObject_CallFunctionObjArgs(deepcopy, value.as_ptr(), memo, end) };
        // SAFETY: the result is an owned reference, or NULL.
        unsafe { owned(py, copy) }
    }
}

impl<'py> Given<'py> {
    fn new(py: Python<'py>, deep: Option<Deep<'py>>) -> PyResult<Self> {
        // SAFETY: attached, as the token proves.
        let values = unsafe { ffi::PyDict_New() };
        // SAFETY: the result is an owned reference, or NULL.
        let values = unsafe { owned(py, values) }?;
        Ok(Self { values, deep })
    }

    pub(super) fn py(&self) -> Python<'py> {
        self.values.py()
    }

    /// Adds the value of a field that is not a cell.
    pub(super) fn value(&self, name: &Name, value: Bound<'py, PyAny>) -> PyResult<()> {
        let value = match &self.deep {
            Some(deep) => deep.copy(&value)?,
            None => value,
        };
        self.set(name, &value)
    }

    fn set(&self, name: &Name, value: &Bound<'py, PyAny>) -> PyResult<()> {
        let py = self.py();
        let name = name.string(py)?;
        // SAFETY: attached, with a dict and objects that are alive.
        if unsafe { ffi::PyDict_SetItem(self.values.as_ptr(), name.as_ptr(), value.as_ptr()) } != 0 {
            return Err(raised(py));
        }
        Ok(())
    }
}

/// A `dict` of all fields.
///
/// # Safety
///
/// The object is of the table's class or of a subclass.
///
/// # Errors
///
/// `BufferError` if a view of a cell is refused, or what the conversion of a field raises.
pub(super) unsafe fn leave<'py>(
    object: &Bound<'py, PyAny>,
    table: &Table,
    how: How,
    deep: Option<Deep<'py>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = object.py();
    let given = Given::new(py, deep)?;
    // SAFETY: the caller vouches for the object.
    unsafe { table.give(&given, object.as_ptr()) }?;
    for (name, cell) in table.cells() {
        // SAFETY: the caller vouches for the object.
        let memory = unsafe { memory(object, name, cell, how) }?;
        given.set(&name.name, &memory)?;
    }
    Ok(given.values)
}

/// The arguments of `__buffer_rebuild__` for these fields.
pub(super) fn arguments<'py>(fields: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = fields.py();
    // SAFETY: attached, as the object proves.
    let version = unsafe { ffi::PyLong_FromLong(VERSION.into()) };
    // SAFETY: the result is an owned reference, or NULL.
    let version = unsafe { owned(py, version) }?;
    pair(&version, fields)
}

/// `(first, second)`
pub(super) fn pair<'py>(first: &Bound<'py, PyAny>, second: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: attached, with two objects that are alive.
    let pair = unsafe { ffi::PyTuple_Pack(2, first.as_ptr(), second.as_ptr()) };
    // SAFETY: the result is an owned reference, or NULL.
    unsafe { owned(first.py(), pair) }
}

/// The value for a cell: the format of its elements, its memory and, if rows are allocated one by one, the number of
/// bytes in a row.
///
/// # Safety
///
/// The object is of the table's class or of a subclass.
unsafe fn memory<'py>(
    object: &Bound<'py, PyAny>,
    name: &'static FieldName,
    cell: &'static ClassTable,
    how: How,
) -> PyResult<Bound<'py, PyAny>> {
    let py = object.py();
    let format = name.format(py, || Portable::of_cell(cell))?;
    #[cfg(feature = "ndarray")]
    if cell.is_strided() {
        // SAFETY: the caller vouches for the object.
        return unsafe { array(object, cell, how, format) };
    }
    if cell.has_rows() {
        // SAFETY: the caller vouches for the object.
        let seen = unsafe { peek(py, object.as_ptr(), cell) }?;
        // SAFETY: as above.
        let part = unsafe { Part::of_all(object, cell) }?.into_pyobject(py)?;
        let bytes = in_c_order(part.as_any())?;
        // SAFETY: attached; the format takes two objects that are alive, and a number.
        let made =
            unsafe { ffi::Py_BuildValue(c"(OOn)".as_ptr(), format.as_ptr(), bytes.as_ptr(), bytes_of_row(&seen)) };
        // SAFETY: the result is an owned reference, or NULL.
        return unsafe { owned(py, made) };
    }
    // SAFETY: the caller vouches for the object, and the cell has no rows.
    let part = unsafe { Part::of_memory(object, cell) }?.into_pyobject(py)?;
    let bytes = match how {
        How::Shown => memoryview(part.as_any())?,
        How::Lent => pickle_buffer(part.as_any())?,
        How::Copied => copied(part.as_any())?,
    };
    pair(format, &bytes)
}

/// The value for a cell whose memory has a layout of its own: the format of its elements, the elements in C order, and
/// the number of elements along each axis.
///
/// # Safety
///
/// As for [`memory`].
#[cfg(feature = "ndarray")]
unsafe fn array<'py>(
    object: &Bound<'py, PyAny>,
    cell: &'static ClassTable,
    how: How,
    format: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = object.py();
    // SAFETY: the caller vouches for the object.
    let (offset, axes) = unsafe { own_layout(py, object.as_ptr(), cell) }?.unwrap_or_default();
    let no_memory = |_| exception::<PyMemoryError>(py, "there is no memory for the shape of an array");
    let extents = collect(axes.iter().map(|&(extent, _)| extent.cast_signed())).map_err(no_memory)?;
    let strides = collect(axes.iter().map(|&(_, stride)| stride)).map_err(no_memory)?;
    let layout = (&extents[..], &strides[..], offset.cast_signed());
    // SAFETY: as above.
    let part = unsafe { Part::in_layout(object, cell, layout) }?.into_pyobject(py)?;
    let bytes = match how {
        How::Lent if follow_one_another(&axes, cell.descriptor().itemsize) => pickle_buffer(part.as_any())?,
        _ => in_c_order(part.as_any())?,
    };
    let outer = extents.len().saturating_sub(cell.descriptor().inner.extents().len());
    let shape = numbers(py, &extents[..outer])?;
    // SAFETY: attached; the format takes three objects that are alive.
    let made = unsafe { ffi::Py_BuildValue(c"(OOO)".as_ptr(), format.as_ptr(), bytes.as_ptr(), shape.as_ptr()) };
    // SAFETY: the result is an owned reference, or NULL.
    unsafe { owned(py, made) }
}

/// A tuple of numbers. (PyO3 would panic without memory.)
#[cfg(feature = "ndarray")]
fn numbers<'py>(py: Python<'py>, numbers: &[isize]) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: attached, as the token proves.
    let tuple = unsafe { ffi::PyTuple_New(numbers.len().cast_signed()) };
    // SAFETY: the result is an owned reference, or NULL.
    let tuple = unsafe { owned(py, tuple) }?;
    for (index, &number) in (0..).zip(numbers) {
        // SAFETY: attached, as the token proves.
        let number = unsafe { ffi::PyLong_FromSsize_t(number) };
        // SAFETY: the result is an owned reference, or NULL.
        let number = unsafe { owned(py, number) }?;
        // SAFETY: attached, with a new tuple that has this index; it takes the reference.
        if unsafe { ffi::PyTuple_SetItem(tuple.as_ptr(), index, number.into_ptr()) } != 0 {
            return Err(raised(py));
        }
    }
    Ok(tuple)
}

/// Whether items lie one after the other in C order.
#[cfg(feature = "ndarray")]
fn follow_one_another(axes: &[(usize, isize)], itemsize: usize) -> bool {
    let mut distance = itemsize.cast_signed();
    axes.iter().rev().all(|&(extent, stride)| {
        let follows = extent <= 1 || stride == distance;
        distance = distance.saturating_mul(extent.cast_signed());
        follows
    })
}

/// `memoryview(object).tobytes()`
fn in_c_order<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let view = memoryview(object)?;
    // SAFETY: attached; the view is alive, and the name is a C string. A NULL format means no arguments.
    let bytes = unsafe { ffi::PyObject_CallMethod(view.as_ptr(), c"tobytes".as_ptr(), std::ptr::null()) };
    // SAFETY: the result is an owned reference, or NULL.
    unsafe { owned(object.py(), bytes) }
}

fn bytes_of_row(seen: &Peeked) -> isize {
    // A resolved layout does not overflow.
    seen.shape.iter().skip(1).product::<isize>() * seen.itemsize.cast_signed()
}

/// `bytes(object)`
fn copied<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: attached, with an object that is alive.
    let bytes = unsafe { ffi::PyBytes_FromObject(object.as_ptr()) };
    // SAFETY: the result is an owned reference, or NULL.
    unsafe { owned(object.py(), bytes) }
}

/// `pickle.PickleBuffer(object)`
fn pickle_buffer<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = object.py();
    let class = CLASS.get_or_try_init(py, || {
        let class = attribute(&module(py, c"pickle")?, c"PickleBuffer")?;
        Ok::<_, PyErr>(class.unbind())
    })?;
    let end = std::ptr::null_mut::<ffi::PyObject>();
    // SAFETY: attached; both objects are alive, and a NULL ends the arguments.
    let made = unsafe { ffi::PyObject_CallFunctionObjArgs(class.as_ptr(), object.as_ptr(), end) };
    // SAFETY: the result is an owned reference, or NULL.
    unsafe { owned(py, made) }
}
