use buffer_runtime::{ExportBuffer, ExportCell};
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
    fn new(ncols: usize) -> Self {
        Self { ncols, data: ExportCell::new(Vec::new()) }
    }

    /// Appends a row of zeros. Raises `BufferError` while any view is alive.
    fn add_row(&self, py: Python<'_>) -> PyResult<()> {
        let mut data = self.data.write(py)?;
        let len = data.len() + self.ncols;
        data.resize(len, 0.0);
        Ok(())
    }
}

#[pymodule]
mod NAME {
    #[pymodule_export]
    use super::Matrix;
}
