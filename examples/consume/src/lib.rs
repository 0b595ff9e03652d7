//! Functions that compute on the memory of other objects: numpy arrays, `array.array`, `memoryview`, ctypes arrays and
//! whatever else exports a buffer, in any layout.
//!
//! What an object has to have is in the types of the arguments: a `BufferView<'_, f64>` is made only of a buffer of
//! doubles, and every other object raises an exception that says what it has instead.

use buffer_runtime::{BufferView, BufferViewMut};
use pyo3::exceptions::{PyBufferError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;

/// With fewer items than this, letting other threads run takes longer than the work.
const LARGE: usize = 10_000;

/// The sum of the int32 items of a buffer, which no number of them overflows.
#[pyfunction]
#[pyo3(signature = (obj, /))]
fn sum_array(py: Python<'_>, obj: BufferView<'_, i32>) -> i128 {
    #[inline(always)]
    fn add(total: i128, chunk: &[i32]) -> i128 {
        // A chunk is far too short to overflow this.
        let sum: i64 = chunk.iter().map(|&item| i64::from(item)).sum();
        total + i128::from(sum)
    }
    match obj.shared_in_memory_order() {
        Some(items) => detached_if_large(py, items.len(), || items.fold_chunks(0, add)),
        // The view itself cannot leave this thread; items that are scattered are read attached.
        None => obj.fold_chunks(0, add),
    }
}

/// The sum of the products of two buffers of float64, both of one dimension and the same length.
#[pyfunction]
#[pyo3(signature = (a, b, /))]
fn dot(py: Python<'_>, a: BufferView<'_, f64>, b: BufferView<'_, f64>) -> PyResult<f64> {
    /// As many items as fill a few vectors of the processor. Each has a sum of its own, which waits for no other.
    type Lanes = [f64; 16];

    #[inline(always)]
    fn add(mut sums: Lanes, a: Lanes, b: Lanes) -> Lanes {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
        sums
    }
    let (&[len], &[other]) = (a.shape(), b.shape()) else {
        let (a, b) = (a.ndim(), b.ndim());
        return Err(PyValueError::new_err(format!("expected two buffers of 1 dimension, but these have {a} and {b}")));
    };
    if len != other {
        return Err(PyValueError::new_err(format!("expected as many items in both, but these have {len} and {other}")));
    }
    let sums = match (a.shared(), b.shared()) {
        (Some(a), Some(b)) => detached_if_large(py, len, || a.fold_arrays_with(b, Lanes::default(), (0.0, 0.0), add)),
        _ => a.fold_arrays_with(&b, Lanes::default(), (0.0, 0.0), add),
    };
    Ok(sums.iter().sum())
}

/// Multiplies every item of a writable buffer of float64 in place.
#[pyfunction]
#[pyo3(signature = (obj, factor, /))]
fn scale(
    py: Python<'_>,
    #[pyo3(from_py_with = writable)] obj: BufferViewMut<'_, f64>,
    #[pyo3(from_py_with = factor_of)] factor: f64,
) {
    let multiply = |item| item * factor;
    match obj.shared_in_memory_order() {
        Some(items) => detached_if_large(py, items.len(), || items.update(multiply)),
        None => obj.update(multiply),
    }
}

/// Whoever cannot write raises `BufferError`, numpy's arrays as well, which would have raised `ValueError`.
fn writable<'py>(object: &Bound<'py, PyAny>) -> PyResult<BufferViewMut<'py, f64>> {
    let py = object.py();
    BufferViewMut::from_object(object).map_err(|error| {
        if !error.is_instance_of::<PyValueError>(py) {
            return error;
        }
        let refusal = PyBufferError::new_err(error.value(py).to_string());
        refusal.set_cause(py, Some(error));
        refusal
    })
}

/// Reads the argument `factor`.
fn factor_of(factor: &Bound<'_, PyAny>) -> PyResult<f64> {
    let py = factor.py();
    factor.extract().map_err(|error: PyErr| {
        if error.is_instance_of::<PyOverflowError>(py) {
            PyValueError::new_err("factor is too large for a float64")
        } else if error.is_instance_of::<PyTypeError>(py) {
            let kind = factor.get_type().name();
            kind.map_or_else(
                |error| error,
                |kind| PyTypeError::new_err(format!("factor must be a real number, not {kind}")),
            )
        } else {
            error
        }
    })
}

/// Lets other Python threads run meanwhile, if it takes long.
fn detached_if_large<R: Send>(py: Python<'_>, items: usize, work: impl FnOnce() -> R + Send) -> R {
    if items < LARGE { work() } else { py.detach(work) }
}

/// See the stub, `consume.pyi`, for what Python finds here.
#[pymodule]
mod consume {
    #[pymodule_export]
    use super::{dot, scale, sum_array};
}
