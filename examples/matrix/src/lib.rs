//! A matrix for Python that grows row by row. Rust owns its memory.
//!
//! `numpy.asarray(Matrix(10))` shows that memory without a copy. While any view is alive, `add_row` raises
//! `BufferError` instead of moving the memory.

mod limits;

use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::exceptions::{PyMemoryError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::limits::{exception, nested};

/// Memory of float32 with the buffer protocol: a fixed number of columns, a growing number of rows.
#[derive(ExportBuffer)]
#[pyclass(frozen, subclass, weakref, module = "matrix")]
struct Matrix {
    ncols: usize,
    #[buffer(shape = [_, self.ncols])]
    data: ExportCell<Vec<f32>>,
}

#[pymethods]
impl Matrix {
    /// A matrix of zeros. Without `nrows`, it has no rows.
    #[new]
    #[pyo3(signature = (ncols, nrows = None))]
    fn new(ncols: &Bound<'_, PyAny>, nrows: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let ncols = count(ncols, "ncols", 1)?;
        // Rust, like the buffer protocol, allows at most `isize::MAX` bytes in one allocation.
        if ncols > isize::MAX as usize / size_of::<f32>() {
            return Err(exception::<PyValueError>(format_args!("ncols is too large for any memory: {ncols}")));
        }
        let nrows = nrows.map_or(Ok(0), |nrows| count(nrows, "nrows", 0))?;
        // The allocator returns memory that is zeroed already, and that costs nothing until it is used.
        let zeros = nrows.checked_mul(ncols).and_then(|len| bytemuck::try_zeroed_vec(len).ok());
        let data = zeros.ok_or_else(|| out_of_memory(nrows, ncols))?;
        Ok(Self { ncols, data: ExportCell::new(data) })
    }

    /// Appends a row of zeros. Raises `BufferError` while any view of the memory is alive.
    fn add_row(&self, py: Python<'_>) -> PyResult<()> {
        let mut data = self.data.write(py)?;
        data.try_reserve(self.ncols).map_err(|_| out_of_memory(data.len() / self.ncols + 1, self.ncols))?;
        let len = data.len() + self.ncols;
        data.resize(len, 0.0);
        Ok(())
    }

    #[getter]
    fn nrows(&self) -> usize {
        self.data.len() / self.ncols
    }

    #[getter]
    fn ncols(&self) -> usize {
        self.ncols
    }

    fn __len__(&self) -> usize {
        self.nrows()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let this = slf.get();
        Ok(format!("<{} of {} x {} float32>", slf.get_type().name()?, this.nrows(), this.ncols))
    }
}

/// An integer argument of at least `least`, or an exception that names the argument.
fn count(value: &Bound<'_, PyAny>, name: &str, least: usize) -> PyResult<usize> {
    let py = value.py();
    let complaint = match nested(|| value.extract::<isize>()) {
        Ok(number) => match usize::try_from(number) {
            Ok(count) if count >= least => return Ok(count),
            _ => format!("must be at least {least}, not {number}"),
        },
        Err(error) if error.is_instance_of::<PyTypeError>(py) => {
            let kind = value.get_type().name()?;
            return Err(exception::<PyTypeError>(format_args!("{name} must be an integer, not {kind}")));
        }
        // The number does not fit into an `isize`: it is very large or very negative.
        Err(error) if error.is_instance_of::<PyOverflowError>(py) && value.lt(0)? => {
            format!("must be at least {least}")
        }
        Err(error) if error.is_instance_of::<PyOverflowError>(py) => "is too large for any memory".to_owned(),
        Err(error) => return Err(error),
    };
    Err(exception::<PyValueError>(format_args!("{name} {complaint}")))
}

fn out_of_memory(nrows: usize, ncols: usize) -> PyErr {
    exception::<PyMemoryError>(format_args!("no memory for {nrows} x {ncols} float32"))
}

/// The stub `matrix.pyi` documents this module for Python.
#[pymodule]
mod matrix {
    #[pymodule_export]
    use super::Matrix;
}
