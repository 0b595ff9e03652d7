//! The matrix as a user of `buffer-runtime` writes it, in an ordinary class: each request needs a PyO3 borrow.

use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// A float32 matrix: a fixed number of columns, a growing number of rows.
#[derive(ExportBuffer)]
#[pyclass]
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

    fn add_row(&mut self) -> PyResult<()> {
        let mut data = self.data.get_mut()?;
        let len = data.len() + self.ncols;
        data.resize(len, 0.0);
        Ok(())
    }
}

/// The extension module.
#[pymodule]
mod ours_mutable {
    #[pymodule_export]
    use super::Matrix;
}
