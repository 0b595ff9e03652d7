//! Functions that compute on the memory of other objects: numpy arrays, `array.array`, `memoryview`, ctypes arrays and
//! whatever else exports a buffer, in any layout.
//!
//! A `BufferView<'_, f64>` can view only a buffer of doubles; for every other object, an exception says what the object
//! has instead. The view may be the type of an argument. Here it is made inside the function, because PyO3 adds a note
//! to the exceptions of arguments, and panics if Python has no memory for the note.

mod hold;
mod limits;

use buffer_runtime::{BufferView, BufferViewMut, StableOrCopy, StableView};
use pyo3::exceptions::{PyBufferError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::limits::{exception, nested};

/// With fewer items than this, letting other threads run takes longer than the work.
const LARGE: usize = 10_000;

/// The sum of the int32 items of a buffer. It never overflows.
#[pyfunction]
#[pyo3(signature = (obj, /))]
fn sum_array(obj: &Bound<'_, PyAny>) -> PyResult<i128> {
    #[inline(always)]
    fn add(total: i128, chunk: &[i32]) -> i128 {
        // A chunk is far too short to overflow an `i64`.
        let sum: i64 = chunk.iter().map(|&item| i64::from(item)).sum();
        total + i128::from(sum)
    }
    let view = BufferView::from_object(obj)?;
    Ok(match view.shared_in_memory_order() {
        Some(items) => detached_if_large(obj.py(), items.len(), || items.fold_chunks(0, add)),
        // The view itself cannot leave this thread; items that are scattered are read attached.
        None => view.fold_chunks(0, add),
    })
}

/// The dot product of two buffers of float64, both of one dimension and the same length.
#[pyfunction]
#[pyo3(signature = (a, b, /))]
fn dot(a: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> PyResult<f64> {
    /// As many items as fill a few vectors of the processor. Each lane has its own sum, which does not depend on the
    /// others.
    type Lanes = [f64; 16];

    #[inline(always)]
    fn add(mut sums: Lanes, a: Lanes, b: Lanes) -> Lanes {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
        sums
    }
    let py = a.py();
    let (a, b) = (BufferView::<f64>::from_object(a)?, BufferView::<f64>::from_object(b)?);
    let (&[len], &[other]) = (a.shape(), b.shape()) else {
        let (a, b) = (a.ndim(), b.ndim());
        return Err(exception::<PyValueError>(format_args!(
            "expected two buffers of 1 dimension, but these have {a} and {b}"
        )));
    };
    if len != other {
        return Err(exception::<PyValueError>(format_args!(
            "expected as many items in both, but these have {len} and {other}"
        )));
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
fn scale(obj: &Bound<'_, PyAny>, factor: &Bound<'_, PyAny>) -> PyResult<()> {
    let (view, factor) = (writable(obj)?, factor_of(factor)?);
    let multiply = |item| item * factor;
    match view.shared_in_memory_order() {
        Some(items) => detached_if_large(obj.py(), items.len(), || items.update(multiply)),
        None => view.update(multiply),
    }
    Ok(())
}

/// Read-only objects raise `BufferError`. This includes numpy's arrays, whose own exception is a `ValueError`.
fn writable<'py>(object: &Bound<'py, PyAny>) -> PyResult<BufferViewMut<'py, f64>> {
    let py = object.py();
    BufferViewMut::from_object(object).map_err(|error| {
        if !error.is_instance_of::<PyValueError>(py) {
            return error;
        }
        let refusal = exception::<PyBufferError>(error.value(py));
        refusal.set_cause(py, Some(error));
        refusal
    })
}

/// Reads the argument `factor`.
fn factor_of(factor: &Bound<'_, PyAny>) -> PyResult<f64> {
    let py = factor.py();
    nested(|| factor.extract()).map_err(|error: PyErr| {
        if error.is_instance_of::<PyOverflowError>(py) {
            exception::<PyValueError>("factor is too large for a float64")
        } else if error.is_instance_of::<PyTypeError>(py) {
            let kind = factor.get_type().name();
            kind.map_or_else(
                |error| error,
                |kind| exception::<PyTypeError>(format_args!("factor must be a real number, not {kind}")),
            )
        } else {
            error
        }
    })
}

/// The CRC-32 of the bytes of a buffer, as `zlib.crc32` computes it, while other threads run.
///
/// They cannot change the bytes meanwhile. If an object cannot promise that, as a numpy array cannot, the bytes are
/// copied first; or the object is refused, if `copy` is false.
#[pyfunction]
#[pyo3(signature = (obj, /, *, copy = true))]
fn checksum(obj: &Bound<'_, PyAny>, copy: bool) -> PyResult<u32> {
    let py = obj.py();
    Ok(if copy {
        let bytes = StableOrCopy::bytes_of(obj)?;
        detached_if_large(py, bytes.len(), || crc32fast::hash(&bytes))
    } else {
        let bytes = StableView::bytes_of(obj)?;
        detached_if_large(py, bytes.len(), || crc32fast::hash(&bytes))
    })
}

/// Detaches, so that other Python threads can run, if there are many items.
fn detached_if_large<R: Send>(py: Python<'_>, items: usize, work: impl FnOnce() -> R + Send) -> R {
    if items < LARGE { work() } else { py.detach(work) }
}

/// The stub `consume.pyi` documents this module for Python.
#[pymodule]
mod consume {
    #[pymodule_export]
    use super::hold::{Held, hold};
    #[pymodule_export]
    use super::{checksum, dot, scale, sum_array};
}
