//! The matrix as a user of `buffer-runtime` writes it, in Fortran order, in a frozen class.

use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// A float32 matrix in Fortran order. It is transposed: what the other modules call columns are its rows.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Matrix {
    ncols: usize,
    #[buffer(shape = [self.ncols, _], order = "F")]
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
}

/// The extension module.
#[pymodule]
mod ours_fortran {
    #[pymodule_export]
    use super::Matrix;
}
