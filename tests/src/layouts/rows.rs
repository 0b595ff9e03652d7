//! Classes whose rows are allocated one by one.

use buffer_runtime::{Element, ExportBuffer, ExportCell, Rows};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::content::Content;

/// Makes rows from the bytes of each row.
fn rows<T: Element>(content: Vec<Vec<u8>>) -> PyResult<Rows<T>>
where
    Vec<T>: Content,
{
    let rows = content.iter().map(|bytes| Vec::from_bytes(bytes)).collect::<PyResult<Vec<Vec<T>>>>()?;
    Rows::from_rows(rows).map_err(|error| PyValueError::new_err(error.to_string()))
}

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Rows16 {
    data: ExportCell<Rows<u16>>,
}

#[pymethods]
impl Rows16 {
    #[new]
    fn new(content: Vec<Vec<u8>>) -> PyResult<Self> {
        Ok(Self { data: ExportCell::new(rows(content)?) })
    }

    fn push(&self, py: Python<'_>, row: Vec<u16>) -> PyResult<()> {
        self.data.write(py)?.push(row).map_err(|error| PyValueError::new_err(error.to_string()))
    }

    fn swap(&self, py: Python<'_>, a: usize, b: usize) -> PyResult<()> {
        self.data.write(py)?.swap(a, b);
        Ok(())
    }

    /// Replaces all rows; the new ones may have another length.
    fn replace(&self, py: Python<'_>, content: Vec<Vec<u8>>) -> PyResult<()> {
        *self.data.write(py)? = rows(content)?;
        Ok(())
    }

    fn sums(&self, py: Python<'_>) -> PyResult<Vec<u32>> {
        Ok(self.data.read(py)?.iter().map(|row| row.iter().map(|&item| u32::from(item)).sum()).collect())
    }

    /// Adds to the items of one row, while views may be alive.
    fn add(&self, py: Python<'_>, row: usize, term: u16) -> PyResult<()> {
        let rows = self.data.share(py)?;
        rows.row(row).for_each_chunk(|items| items.iter_mut().for_each(|item| *item = item.wrapping_add(term)));
        Ok(())
    }

    fn views(&self) -> usize {
        self.data.views()
    }

    /// Closes the cell and drops the memory. Fails while views are alive.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.data.close(py)?;
        Ok(())
    }
}

/// Pixels: a row is an array of arrays, in C order.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct PixelRows {
    #[buffer(readonly)]
    data: ExportCell<Rows<[u8; 3]>>,
}

#[pymethods]
impl PixelRows {
    #[new]
    fn new(content: Vec<Vec<u8>>) -> PyResult<Self> {
        Ok(Self { data: ExportCell::new(rows(content)?) })
    }
}

/// Rows whose item format is known only at run time.
#[derive(ExportBuffer)]
#[pyclass]
struct FormattedRows {
    format: String,
    readonly: bool,
    #[buffer(format = &self.format, readonly = self.readonly)]
    data: ExportCell<Rows<u8>>,
}

#[pymethods]
impl FormattedRows {
    #[new]
    fn new(content: Vec<Vec<u8>>, format: String, readonly: bool) -> PyResult<Self> {
        Ok(Self { format, readonly, data: ExportCell::new(rows(content)?) })
    }
}

pub(super) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Rows16>()?;
    module.add_class::<PixelRows>()?;
    module.add_class::<FormattedRows>()
}
