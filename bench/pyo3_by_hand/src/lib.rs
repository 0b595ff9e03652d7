//! The matrix as a PyO3 user writes it by hand: an ordinary class with `__getbuffer__` and a count of views.

use std::ffi::c_int;
use std::ptr;

use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;

const FLOAT: isize = size_of::<f32>().cast_signed();

/// A float32 matrix: a fixed number of columns, a growing number of rows.
#[pyclass]
struct Matrix {
    ncols: usize,
    data: Vec<f32>,
    exports: usize,
    shape: [isize; 2],
    strides: [isize; 2],
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
        Ok(Self { ncols, data: vec![0.0; len], exports: 0, shape: [0; 2], strides: [0; 2] })
    }

    fn add_row(&mut self) -> PyResult<()> {
        if self.exports > 0 {
            return Err(PyBufferError::new_err(format!("cannot resize: {} views are alive", self.exports)));
        }
        self.data.resize(self.data.len() + self.ncols, 0.0);
        Ok(())
    }

    unsafe fn __getbuffer__(mut slf: PyRefMut<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        if view.is_null() {
            return Err(PyBufferError::new_err("a request needs a view to fill"));
        }
        // SAFETY: CPython passes a `Py_buffer` that is ours to write.
        unsafe { (*view).obj = ptr::null_mut() };

        let this = &mut *slf;
        let nrows = this.data.len() / this.ncols;
        let asks = |bits: c_int| flags & bits == bits;
        if asks(ffi::PyBUF_F_CONTIGUOUS) && nrows > 1 && this.ncols > 1 {
            return Err(PyBufferError::new_err("not Fortran contiguous"));
        }
        if asks(ffi::PyBUF_FORMAT) && !asks(ffi::PyBUF_ND) {
            return Err(PyBufferError::new_err("a format without a shape describes nothing"));
        }

        this.shape = [nrows.cast_signed(), this.ncols.cast_signed()];
        this.strides = [this.ncols.cast_signed() * FLOAT, FLOAT];
        this.exports += 1;
        let answer = ffi::Py_buffer {
            buf: this.data.as_mut_ptr().cast(),
            obj: ptr::null_mut(),
            len: this.data.len().cast_signed() * FLOAT,
            itemsize: FLOAT,
            readonly: 0,
            ndim: if asks(ffi::PyBUF_ND) { 2 } else { 1 },
            format: if asks(ffi::PyBUF_FORMAT) { c"f".as_ptr().cast_mut() } else { ptr::null_mut() },
            shape: if asks(ffi::PyBUF_ND) { this.shape.as_mut_ptr() } else { ptr::null_mut() },
            strides: if asks(ffi::PyBUF_STRIDES) { this.strides.as_mut_ptr() } else { ptr::null_mut() },
            suboffsets: ptr::null_mut(),
            internal: ptr::null_mut(),
        };
        let obj = Py::<Self>::from(slf).into_ptr();
        // SAFETY: as above; the view owns the reference to the exporter, and `exports` keeps the memory where it is.
        unsafe { view.write(ffi::Py_buffer { obj, ..answer }) };
        Ok(())
    }

    unsafe fn __releasebuffer__(&mut self, _view: *mut ffi::Py_buffer) {
        self.exports -= 1;
    }
}

/// The extension module.
#[pymodule]
mod pyo3_by_hand {
    #[pymodule_export]
    use super::Matrix;
}
