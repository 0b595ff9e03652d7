//! The matrix as a user of rust-numpy writes it: numpy owns the memory, the class owns the array, and a property
//! returns the array.

use numpy::{PyArray2, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// A float32 matrix: a fixed number of columns, a growing number of rows.
#[pyclass]
struct Matrix {
    array: Py<PyArray2<f32>>,
}

#[pymethods]
impl Matrix {
    #[new]
    #[pyo3(signature = (ncols, nrows = 0))]
    fn new(py: Python<'_>, ncols: usize, nrows: usize) -> PyResult<Self> {
        ncols
            .checked_mul(nrows)
            .filter(|_| ncols > 0)
            .ok_or_else(|| PyValueError::new_err("no columns, or too many elements"))?;
        Ok(Self { array: PyArray2::zeros(py, [nrows, ncols], false).unbind() })
    }

    #[getter]
    fn array(&self, py: Python<'_>) -> Py<PyArray2<f32>> {
        self.array.clone_ref(py)
    }

    /// Makes a larger array. Consumers that have the old array keep it.
    fn add_row(&mut self, py: Python<'_>) -> PyResult<()> {
        let old = self.array.bind(py).readonly();
        let [nrows, ncols] = [old.shape()[0], old.shape()[1]];
        let new = PyArray2::zeros(py, [nrows + 1, ncols], false);
        new.readwrite().as_slice_mut()?[..nrows * ncols].copy_from_slice(old.as_slice()?);
        self.array = new.unbind();
        Ok(())
    }
}

/// The extension module.
#[pymodule]
mod rust_numpy {
    #[pymodule_export]
    use super::Matrix;
}
