//! `Part`: a Python object that exports a field of another object, or a part of its memory.
//!
//! The properties of classes are parts that show the whole field; `property` makes them. `chosen` exports what a part
//! shows. `attributes` has everything else that Python can do with a part.

mod attributes;
mod chosen;
mod held;
pub(crate) mod property;

use std::fmt::{self, Display};

use pyo3::exceptions::{PyBufferError, PyIndexError, PyMemoryError, PyTypeError, PyValueError};
#[cfg(feature = "dlpack")]
use pyo3::ffi;
use pyo3::prelude::*;

use self::chosen::{Numbers, PART};
use crate::cell::ExportCell;
use crate::classes::make_class;
use crate::exception::exception;
use crate::export::peek::{Peeked, peek, whole_of};
use crate::export::{Class, ClassTable, Entry, Exported, Exports, Whole};
use crate::layout::{CheckedLayout, Layout, LayoutError, may_overlap};
use crate::memory::boxed;
use crate::storage::Exportable;

/// A part of an object's memory, which a method of the object returns: a row, a column, a crop, a channel.
///
/// The method takes `slf: &Bound<'_, Self>` in place of `&self`, since a part holds the Python object. It may be a
/// `#[getter]`.
///
/// ```
/// use buffer_runtime::{ExportBuffer, ExportCell, Part};
/// use pyo3::prelude::*;
///
/// #[derive(ExportBuffer)]
/// #[pyclass(frozen)]
/// struct Image {
///     width: usize,
///     #[buffer(shape = [_, self.width, 3])]
///     pixels: ExportCell<Vec<u8>>,
/// }
///
/// #[pymethods]
/// impl Image {
///     /// The red, green or blue values: `np.asarray(image.channel(1))` has the shape (height, width).
///     fn channel(slf: &Bound<'_, Self>, index: usize) -> PyResult<Part> {
///         Part::new(slf, |image| image.index(2, index))
///     }
///
///     fn crop(slf: &Bound<'_, Self>, y: usize, x: usize, height: usize, width: usize) -> PyResult<Part> {
///         Part::new(slf, |image| image.slice(0, y..y + height, 1)?.slice(1, x..x + width, 1))
///     }
/// }
/// ```
///
/// Python sees an object of the class `buffer_runtime.Buffer`. It exports the items of the part through the buffer
/// protocol and through `__array__`, and has the attributes `shape`, `strides`, `format`, `itemsize`, `nbytes`, `ndim`,
/// `readonly`, `obj` and `views`. It has a length, can be indexed and iterated like a memoryview, and `view()` gives a
/// [`ScopedView`](crate::ScopedView). `holders()` lists what holds the memory: one dictionary for each view, tensor and
/// guard, with the fields of a [`Holder`](crate::Holder).
///
/// A part keeps the object alive, and locks nothing until it is viewed. Its views count as views of the object: the
/// object does not move its memory while there is one. The layout of a part is fixed when it is made. If the memory has
/// shrunk since then, so that items of the part would be outside, a request for a view raises `BufferError`.
#[pyclass(frozen, module = "buffer_runtime", name = "Buffer")]
#[derive(Debug)]
#[must_use = "a part locks nothing and shows nothing by itself; return it to Python"]
pub struct Part {
    pub(crate) whole: Whole,
    /// The layout of a part; `None` if it shows all that the field exports.
    pub(crate) chosen: Option<Box<Numbers>>,
}

impl Part {
    /// Makes a part of an object's own buffer. `layout` gets the layout of the whole, and returns that of the part.
    ///
    /// If the object is itself a part of another object, the result is a part of that other object: parts do not form
    /// chains.
    ///
    /// # Errors
    ///
    /// The error that `layout` returns: `IndexError` for an index that does not exist, `ValueError` for other wrong
    /// numbers. `BufferError` if the object refuses a view, or if its rows are allocated one by one.
    // The bounds are not in the first line, which the compiler shows with a wrong argument.
    pub fn new<T>(
        object: &Bound<'_, T>,
        layout: impl FnOnce(CheckedLayout) -> Result<CheckedLayout, LayoutError>,
    ) -> PyResult<Self>
    where
        T: Exported,
    {
        // SAFETY: the object is of the class that the entry belongs to.
        unsafe { Self::of(object.as_any(), T::ENTRY.table(), layout) }
    }

    /// Makes a part of the exported field that `field` selects: the field of the object's own buffer, or one with
    /// `#[buffer(get)]`.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new); `TypeError` if the field is not exported.
    pub fn of_field<T, S>(
        object: &Bound<'_, T>,
        field: impl FnOnce(&T) -> &ExportCell<S>,
        layout: impl FnOnce(CheckedLayout) -> Result<CheckedLayout, LayoutError>,
    ) -> PyResult<Self>
    where
        T: Class + Exports,
        S: Exportable,
    {
        let py = object.py();
        let mut field = Some(field);
        let mut table = None;
        let find = |value: &T| {
            let cell = field.take().map(|field| field(value).address());
            let is_selected = |entry: &&Entry<T>| entry.block_of(value) == cell;
            table = T::ENTRIES.iter().find(is_selected).map(Entry::table);
        };
        // SAFETY: the object is of this class.
        unsafe { T::reach(py, object.as_ptr(), find) }.map_err(|unreached| unreached.of_class(py, T::NAME))?;
        let Some(table) = table else {
            let text = format_args!(
                "this field of `{}` is not exported; write `#[buffer(get)]` above it, or select another field",
                T::NAME
            );
            return Err(exception::<PyTypeError>(py, text));
        };
        // SAFETY: the object is of the class that the entry belongs to.
        unsafe { Self::of(object.as_any(), table, layout) }
    }

    /// Makes a part of a part. The result is a part of the same object.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn of_part(
        part: &Bound<'_, Self>,
        layout: impl FnOnce(CheckedLayout) -> Result<CheckedLayout, LayoutError>,
    ) -> PyResult<Self> {
        let Self { whole: Whole { owner, table }, chosen } = part.get();
        if chosen.is_some() {
            // SAFETY: the object is a part.
            unsafe { Self::of(part.as_any(), PART, layout) }
        } else {
            // SAFETY: the owner is of the table's class (`Whole`, invariant 1).
            unsafe { Self::of(owner.bind(part.py()), table, layout) }
        }
    }

    /// # Safety
    ///
    /// The object is of the class that the table belongs to.
    unsafe fn of(
        object: &Bound<'_, PyAny>,
        table: &'static ClassTable,
        layout: impl FnOnce(CheckedLayout) -> Result<CheckedLayout, LayoutError>,
    ) -> PyResult<Self> {
        let py = object.py();
        make_class::<Self>(py)?;
        // SAFETY: the caller vouches for the object.
        let seen = unsafe { peek(py, object.as_ptr(), table) }?;
        if seen.indirect {
            let text =
                "cannot take a part of rows that are allocated one by one; slice a memoryview of all of them instead";
            return Err(exception::<PyBufferError>(py, text));
        }
        // SAFETY: as above.
        let whole = unsafe { whole_of(py, object.as_ptr(), table) }?;
        let numbers = choose(seen, layout).map_err(|error| refused(py, error))?;
        Ok(Self { whole, chosen: Some(numbers) })
    }

    /// Makes a part that shows all that a field exports.
    ///
    /// # Safety
    ///
    /// The object is of the class that the table belongs to.
    pub(crate) unsafe fn of_all(object: &Bound<'_, PyAny>, table: &'static ClassTable) -> PyResult<Self> {
        make_class::<Self>(object.py())?;
        Ok(Self { whole: Whole { owner: object.clone().unbind(), table }, chosen: None })
    }

    /// Makes a part that shows all the memory of a cell as bytes, even what the field does not export.
    ///
    /// # Safety
    ///
    /// The object is of the class that the table belongs to, whose rows are not allocated one by one.
    ///
    /// # Errors
    ///
    /// `MemoryError`.
    #[cfg(feature = "pickle")]
    pub(crate) unsafe fn of_memory(object: &Bound<'_, PyAny>, table: &'static ClassTable) -> PyResult<Self> {
        // SAFETY: the caller vouches for the object.
        let part = unsafe { Self::of_all(object, table) }?;
        match Numbers::of_all_bytes().and_then(boxed) {
            Ok(numbers) => Ok(Self { chosen: Some(numbers), ..part }),
            Err(error) => Err(refused(object.py(), error.into())),
        }
    }
}

#[cfg(all(feature = "pickle", feature = "ndarray"))]
impl Part {
    /// The elements of a cell in this layout: extents, strides and an offset in bytes.
    ///
    /// # Safety
    ///
    /// The object is of the class that the table belongs to.
    ///
    /// # Errors
    ///
    /// `MemoryError`.
    pub(crate) unsafe fn in_layout(
        object: &Bound<'_, PyAny>,
        table: &'static ClassTable,
        layout: (&[isize], &[isize], isize),
    ) -> PyResult<Self> {
        // SAFETY: the caller vouches for the object.
        let part = unsafe { Self::of_all(object, table) }?;
        let descriptor = table.descriptor();
        let items = crate::memory::c_string(descriptor.format).map(|format| (format, descriptor.itemsize));
        match items.and_then(|items| Numbers::new(layout, items, false)).and_then(boxed) {
            Ok(numbers) => Ok(Self { chosen: Some(numbers), ..part }),
            Err(error) => Err(refused(object.py(), error.into())),
        }
    }
}

/// The object and the table that own what an object shows. For a part that shows a whole field, these are the field's.
///
/// # Safety
///
/// Attached. The object is of the class that the table belongs to, and is alive.
#[cfg(feature = "dlpack")]
pub(crate) unsafe fn resolve(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    table: &'static ClassTable,
) -> (*mut ffi::PyObject, &'static ClassTable) {
    let of_field = |part: &Part| match part.chosen {
        None => (part.whole.owner.as_ptr(), part.whole.table),
        Some(_) => (object, table),
    };
    if !std::ptr::eq(table, PART) {
        return (object, table);
    }
    // SAFETY: the table says that the object is a part.
    unsafe { Part::reach(py, object, of_field) }.unwrap_or((object, table))
}

/// Calls `layout`, and checks the numbers that it returns against the memory that was seen.
fn choose(
    seen: Peeked,
    layout: impl FnOnce(CheckedLayout) -> Result<CheckedLayout, LayoutError>,
) -> Result<Box<Numbers>, LayoutError> {
    let Peeked { shape, strides, offset, format, itemsize, nbytes, declared_readonly, bytes, .. } = seen;
    let overlaps = may_overlap(&shape, &strides, itemsize.cast_signed());
    let nbytes = nbytes.cast_unsigned();
    let part = layout(CheckedLayout { shape, strides, offset, itemsize, nbytes, overlaps })?;
    if part.itemsize != itemsize {
        return Err(LayoutError::OtherItems { itemsize: part.itemsize, whole: itemsize });
    }
    let CheckedLayout { shape, strides, offset, .. } = part;
    // The closure may have returned the layout of other memory.
    Layout { itemsize, shape: Some(&shape), strides: Some(&strides), offset }.check(bytes)?;
    Ok(boxed(Numbers::new((&shape, &strides, offset), (format, itemsize), declared_readonly)?)?)
}

/// The exception for a part that does not exist.
fn refused(py: Python<'_>, error: LayoutError) -> PyErr {
    let text = Missing(error);
    match error {
        LayoutError::OutOfMemory => exception::<PyMemoryError>(py, text),
        LayoutError::IndexOutside { .. } | LayoutError::NoAxis { .. } => exception::<PyIndexError>(py, text),
        _ => exception::<PyValueError>(py, text),
    }
}

struct Missing(LayoutError);

impl Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no such part: {}", self.0)
    }
}
