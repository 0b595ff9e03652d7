//! Bytes with a layout that is chosen in Python.

use std::borrow::Cow;

use buffer_runtime::{CheckedLayout, ExportBuffer, ExportCell, Format, Layout, LayoutError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::arguments::{self, bytes, integer, integers, out_of_memory, truth, wrong};

/// A copy of bytes, exported with a given format, shape, strides and offset.
#[derive(ExportBuffer)]
#[pyclass(frozen, subclass, weakref, module = "dynarray")]
pub(crate) struct DynArray {
    format: Format,
    /// None: one dimension, with all items from the offset to the end of the data.
    shape: Option<Vec<isize>>,
    strides: Vec<isize>,
    offset: isize,
    readonly: bool,
    #[buffer(
        format = self.format.as_str(),
        shape = self.shape()?,
        strides = self.strides,
        offset = self.offset,
        readonly = self.readonly
    )]
    data: ExportCell<Vec<u8>>,
}

impl DynArray {
    /// The layout over a storage of `bytes` bytes.
    fn layout_over(&self, bytes: usize) -> Result<CheckedLayout, LayoutError> {
        let shape = self.shape.as_deref();
        let strides = shape.and(Some(&self.strides[..]));
        Layout { itemsize: self.format.itemsize(), shape, strides, offset: self.offset }.check(bytes)
    }

    fn layout(&self) -> PyResult<CheckedLayout> {
        self.layout_over(self.data.len()).map_err(|error| wrong("data", error))
    }

    fn shape(&self) -> PyResult<Cow<'_, [isize]>> {
        match &self.shape {
            Some(shape) => Ok(shape.into()),
            None => Ok(self.layout()?.shape.into()),
        }
    }
}

#[pymethods]
impl DynArray {
    #[new]
    #[pyo3(
        signature = (data, *, format = None, shape = None, strides = None, offset = None, readonly = None),
        text_signature = "(data, *, format='B', shape=None, strides=None, offset=0, readonly=False)"
    )]
    fn new(
        data: &Bound<'_, PyAny>,
        format: Option<&Bound<'_, PyAny>>,
        shape: Option<&Bound<'_, PyAny>>,
        strides: Option<&Bound<'_, PyAny>>,
        offset: Option<&Bound<'_, PyAny>>,
        readonly: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let format = arguments::format(format)?;
        let shape = shape.map(|shape| integers(shape, "shape")).transpose()?;
        let strides = strides.map(|strides| integers(strides, "strides")).transpose()?;
        let offset = offset.map_or(Ok(0), |offset| integer(offset, "offset"))?;
        let readonly = readonly.map_or(Ok(false), |readonly| truth(readonly, "readonly"))?;
        let data = bytes(data, "data")?;

        let layout =
            Layout { itemsize: format.itemsize(), shape: shape.as_deref(), strides: strides.as_deref(), offset };
        let checked = layout.check(data.len());
        let layout = checked.map_err(|error| wrong(argument_of(&error, layout, data.len()), error))?;
        // Overlapping items are exported as read-only in any case.
        let readonly = readonly || layout.overlaps;
        Ok(Self { format, shape, strides: layout.strides, offset, readonly, data: ExportCell::new(data) })
    }

    /// Changes the size of the storage. New bytes are 0. Raises `BufferError` while any view is alive.
    fn resize(&self, py: Python<'_>, nbytes: &Bound<'_, PyAny>) -> PyResult<()> {
        let nbytes = integer(nbytes, "nbytes")?;
        let nbytes = usize::try_from(nbytes)
            .map_err(|_| wrong("nbytes", format_args!("{nbytes} is negative; write a number from 0 on")))?;
        self.layout_over(nbytes).map_err(|error| wrong("nbytes", error))?;
        let mut data = self.data.write(py)?;
        let more = nbytes.saturating_sub(data.len());
        data.try_reserve(more).map_err(|_| out_of_memory("nbytes", nbytes))?;
        data.resize(nbytes, 0);
        Ok(())
    }

    #[getter]
    fn format(&self) -> &str {
        self.format.as_str()
    }

    #[getter(shape)]
    fn shape_tuple<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &*self.shape()?)
    }

    #[getter]
    fn strides<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.strides)
    }

    /// The total size of all items, in bytes.
    #[getter]
    fn nbytes(&self) -> PyResult<usize> {
        Ok(self.layout()?.nbytes)
    }

    /// Whether views are read-only: because `readonly` was true, or because items may overlap.
    #[getter]
    fn readonly(&self) -> bool {
        self.readonly
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let (class, this) = (slf.get_type().name()?, slf.get());
        Ok(format!("<{class} of format {:?} and shape {}>", this.format(), this.shape_tuple(slf.py())?))
    }
}

/// The argument that causes the error.
fn argument_of(error: &LayoutError, layout: Layout<'_>, bytes: usize) -> &'static str {
    match error {
        LayoutError::OffsetOutside { .. } => "offset",
        LayoutError::PartialItem { .. } => "data",
        LayoutError::StridesMismatch { .. } | LayoutError::StridesWithoutShape => "strides",
        LayoutError::Outside { .. } | LayoutError::TooLarge => {
            // The first argument without which all items would be inside the data.
            let dense = Layout { strides: None, ..layout };
            if (Layout { offset: 0, ..dense }).check(bytes).is_err() {
                "shape"
            } else if dense.check(bytes).is_err() {
                "offset"
            } else {
                "strides"
            }
        }
        _ => "shape",
    }
}
