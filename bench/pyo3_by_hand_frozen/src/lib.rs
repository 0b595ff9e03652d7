//! The matrix as a PyO3 user writes it by hand: a frozen class with `__getbuffer__` and a count of views.
//!
//! A frozen class has no borrow check. The mutable state is in an `UnsafeCell`, which relies on the GIL.

use std::cell::UnsafeCell;
use std::ffi::c_int;
use std::ptr;

use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;

const FLOAT: isize = size_of::<f32>().cast_signed();

/// A float32 matrix: a fixed number of columns, a growing number of rows.
#[pyclass(frozen)]
struct Matrix {
    ncols: usize,
    state: UnsafeCell<State>,
}

struct State {
    data: Vec<f32>,
    exports: usize,
    shape: [isize; 2],
    strides: [isize; 2],
}

// SAFETY: every access to `state` is made attached, that is, with the GIL held, and the GIL is not released meanwhile.
unsafe impl Sync for Matrix {}

impl Matrix {
    /// # Safety
    ///
    /// No other reference to the state is alive.
    #[expect(clippy::mut_from_ref, reason = "it is what an `UnsafeCell` is for")]
    unsafe fn state(&self) -> &mut State {
        // SAFETY: the caller promises that this reference is the only one.
        unsafe { &mut *self.state.get() }
    }
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
        let state = State { data: vec![0.0; len], exports: 0, shape: [0; 2], strides: [0; 2] };
        Ok(Self { ncols, state: UnsafeCell::new(state) })
    }

    fn add_row(&self) -> PyResult<()> {
        // SAFETY: attached, and nothing below runs Python code while the reference lives.
        let state = unsafe { self.state() };
        if state.exports > 0 {
            return Err(PyBufferError::new_err(format!("cannot resize: {} views are alive", state.exports)));
        }
        state.data.resize(state.data.len() + self.ncols, 0.0);
        Ok(())
    }

    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        if view.is_null() {
            return Err(PyBufferError::new_err("a request needs a view to fill"));
        }
        // SAFETY: CPython passes a `Py_buffer` that is ours to write.
        unsafe { (*view).obj = ptr::null_mut() };

        let this = slf.get();
        // SAFETY: attached, and nothing below runs Python code while the reference lives.
        let state = unsafe { this.state() };
        let nrows = state.data.len() / this.ncols;
        let asks = |bits: c_int| flags & bits == bits;
        if asks(ffi::PyBUF_F_CONTIGUOUS) && nrows > 1 && this.ncols > 1 {
            return Err(PyBufferError::new_err("not Fortran contiguous"));
        }
        if asks(ffi::PyBUF_FORMAT) && !asks(ffi::PyBUF_ND) {
            return Err(PyBufferError::new_err("a format without a shape describes nothing"));
        }

        state.shape = [nrows.cast_signed(), this.ncols.cast_signed()];
        state.strides = [this.ncols.cast_signed() * FLOAT, FLOAT];
        state.exports += 1;
        let answer = ffi::Py_buffer {
            buf: state.data.as_mut_ptr().cast(),
            obj: ptr::null_mut(),
            len: state.data.len().cast_signed() * FLOAT,
            itemsize: FLOAT,
            readonly: 0,
            ndim: if asks(ffi::PyBUF_ND) { 2 } else { 1 },
            format: if asks(ffi::PyBUF_FORMAT) { c"f".as_ptr().cast_mut() } else { ptr::null_mut() },
            shape: if asks(ffi::PyBUF_ND) { state.shape.as_mut_ptr() } else { ptr::null_mut() },
            strides: if asks(ffi::PyBUF_STRIDES) { state.strides.as_mut_ptr() } else { ptr::null_mut() },
            suboffsets: ptr::null_mut(),
            internal: ptr::null_mut(),
        };
        let obj = slf.into_ptr();
        // SAFETY: as above; the view owns the reference to the exporter, and `exports` keeps the memory where it is.
        unsafe { view.write(ffi::Py_buffer { obj, ..answer }) };
        Ok(())
    }

    unsafe fn __releasebuffer__(&self, _view: *mut ffi::Py_buffer) {
        // SAFETY: attached, and nothing below runs Python code while the reference lives.
        let state = unsafe { self.state() };
        state.exports -= 1;
    }
}

/// The extension module.
#[pymodule]
mod pyo3_by_hand_frozen {
    #[pymodule_export]
    use super::Matrix;
}
