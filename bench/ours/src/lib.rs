//! The matrix as a user of `buffer-runtime` writes it, in a frozen class, with two ways to update it in place.

use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// A float32 matrix: a fixed number of columns, a growing number of rows.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Matrix {
    ncols: usize,
    #[buffer(shape = [_, self.ncols])]
    data: ExportCell<Vec<f32>>,
}

#[pymethods]
impl Matrix {
    #[new]
    #[pyo3(signature = (ncols, nrows = 0))]
    fn new(ncols: usize, nrows: usize) -> PyResult<Self> {
        let len = ncols
            .checked_mul(nrows)
            .filter(|_| ncols > 0)
            .ok_or_else(|| PyValueError::new_err("no columns, or too many elements"))?;
        Ok(Self { ncols, data: ExportCell::new(vec![0.0; len]) })
    }

    fn add_row(&self, py: Python<'_>) -> PyResult<()> {
        let mut data = self.data.write(py)?;
        let len = data.len() + self.ncols;
        data.resize(len, 0.0);
        Ok(())
    }

    /// Multiplies every element by `factor`. Views may be alive.
    fn scale(&self, py: Python<'_>, factor: f32) -> PyResult<()> {
        self.data.share(py)?.update(|x| x * factor);
        Ok(())
    }

    /// The same in chunks. Only changed elements are stored.
    fn scale_chunks(&self, py: Python<'_>, factor: f32) -> PyResult<()> {
        self.data.share(py)?.for_each_chunk(|chunk| {
            for x in chunk {
                *x *= factor;
            }
        });
        Ok(())
    }
}

/// The extension module.
#[pymodule]
mod ours {
    #[pymodule_export]
    use super::Matrix;
}
