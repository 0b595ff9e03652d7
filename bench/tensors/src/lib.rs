//! The matrix of `ours` and `ours_mutable`, built with the feature for tensors.

use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

/// The same matrix as in `ours`.
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
    fn new(ncols: usize, nrows: usize) -> Self {
        Self { ncols, data: ExportCell::new(vec![0.0; ncols * nrows]) }
    }
}

/// The same matrix as in `ours_mutable`.
#[derive(ExportBuffer)]
#[pyclass]
struct Ordinary {
    ncols: usize,
    #[buffer(shape = [_, self.ncols])]
    data: ExportCell<Vec<f32>>,
}

#[pymethods]
impl Ordinary {
    #[new]
    fn new(ncols: usize, nrows: usize) -> Self {
        Self { ncols, data: ExportCell::new(vec![0.0; ncols * nrows]) }
    }
}

/// The extension module.
#[pymodule]
mod tensors {
    #[pymodule_export]
    use super::{Matrix, Ordinary};
}
