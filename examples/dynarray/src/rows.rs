//! Rows that are allocated one by one.

use buffer_runtime::{ExportBuffer, ExportCell, Format};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::arguments::{bytes, format, not_a, wrong};

/// Rows of equal length, each in its own allocation: a buffer with suboffsets.
#[derive(ExportBuffer)]
#[pyclass(frozen, subclass, weakref, module = "dynarray")]
pub(crate) struct Rows {
    format: Format,
    /// The length of one row, in bytes.
    row_len: usize,
    #[buffer(format = self.format.as_str())]
    data: ExportCell<buffer_runtime::Rows<u8>>,
}

#[pymethods]
impl Rows {
    #[new]
    #[pyo3(signature = (rows, *, format = None), text_signature = "(rows, *, format='B')")]
    fn new(rows: &Bound<'_, PyAny>, format: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let format = self::format(format)?;
        let rows = rows.try_iter().map_err(|error| {
            let is_type_error = error.is_instance_of::<PyTypeError>(rows.py());
            if is_type_error { not_a("an iterable of rows", rows, "rows") } else { error }
        })?;
        let copies = rows.enumerate().map(|(index, row)| bytes(&row?, &format!("rows: row {index}")));
        let copies = copies.collect::<PyResult<Vec<_>>>()?;

        let (row_len, itemsize) = (copies.first().map_or(0, Vec::len), format.itemsize());
        if !row_len.is_multiple_of(itemsize) {
            let what = format_args!("row 0: {row_len} bytes are no whole number of items of {itemsize} bytes");
            return Err(wrong("rows", what));
        }
        let mut rows = buffer_runtime::Rows::new(row_len);
        for (index, row) in copies.into_iter().enumerate() {
            rows.push(row).map_err(|error| wrong("rows", format_args!("row {index}: {error}")))?;
        }
        Ok(Self { format, row_len, data: ExportCell::new(rows) })
    }

    #[getter]
    fn format(&self) -> &str {
        self.format.as_str()
    }

    /// The number of rows, and the number of items in each row.
    #[getter]
    fn shape(&self) -> (usize, usize) {
        (self.data.len(), self.row_len / self.format.itemsize())
    }

    #[getter]
    fn nbytes(&self) -> usize {
        self.data.len() * self.row_len
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let (class, this) = (slf.get_type().name()?, slf.get());
        Ok(format!("<{class} of format {:?} and shape {:?}>", this.format(), this.shape()))
    }
}
