//! Memory that a C library allocates and frees, shown by numpy without a copy.
//!
//! A class that hands its memory to numpy and frees it in its destructor leaves garbage in every array that outlives it. Here
//! the memory is an [`ExportCell`]'s: it is given back to the library when the object and the last array are gone, and not
//! before.

mod limits;

use buffer_runtime::{ExportBuffer, ExportCell, ForeignBuffer};
use pyo3::exceptions::{PyMemoryError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::limits::{exception, nested};

// As `c/numbers.h` declares it.
unsafe extern "C" {
    safe fn numbers_new(n: usize) -> *mut i32;
    fn numbers_free(numbers: *mut i32);
    safe fn numbers_live() -> usize;
}

/// The int32 numbers from 0 to n - 1, in memory of the library.
#[derive(ExportBuffer)]
#[pyclass(frozen, weakref, module = "foreign")]
struct Wrapper {
    numbers: ExportCell<ForeignBuffer<i32>>,
}

#[pymethods]
impl Wrapper {
    #[new]
    fn new(#[pyo3(from_py_with = count)] n: usize) -> PyResult<Self> {
        // SAFETY: it is called once, with what `numbers_new` has given.
        let free = |numbers, _| unsafe { numbers_free(numbers) };
        // SAFETY: the library gives n numbers, or NULL, and leaves them to us until `numbers_free`, which any thread may call.
        let numbers = unsafe { ForeignBuffer::new(numbers_new(n), n, free) };
        // It was NULL: the library aligns what it gives.
        let numbers = numbers.map_err(|_| exception::<PyMemoryError>(format_args!("no memory for {n} int32")))?;
        Ok(Self { numbers: ExportCell::new(numbers) })
    }

    /// Gives the memory back now. Raises `BufferError` while anything shows it; a second time does nothing.
    fn free(&self, py: Python<'_>) -> PyResult<()> {
        // What was taken out of the cell is dropped here, and so freed.
        Ok(self.numbers.take(py).map(drop)?)
    }

    fn __len__(&self) -> usize {
        self.numbers.len()
    }
}

/// Reads the argument `n`: anything with `__index__`, from 0 to what an `isize` can hold.
fn count(n: &Bound<'_, PyAny>) -> PyResult<usize> {
    let py = n.py();
    let text = match nested(|| n.extract::<isize>()) {
        Ok(number) => match usize::try_from(number) {
            Ok(count) => return Ok(count),
            Err(_) => format!("n must be at least 0, not {number}"),
        },
        Err(error) if error.is_instance_of::<PyTypeError>(py) => {
            let kind = n.get_type().name()?;
            return Err(exception::<PyTypeError>(format_args!("n must be an integer, not {kind}")));
        }
        // What no `isize` can hold is very large or very negative.
        Err(error) if error.is_instance_of::<PyOverflowError>(py) => {
            let text = if n.lt(0)? { "n must be at least 0" } else { "n is too large for any memory" };
            text.to_owned()
        }
        Err(error) => return Err(error),
    };
    Err(exception::<PyValueError>(text))
}

/// How many allocations of the library are alive.
#[pyfunction]
fn live_allocations() -> usize {
    numbers_live()
}

/// See the stub, `foreign.pyi`, for what Python finds here.
#[pymodule]
mod foreign {
    #[pymodule_export]
    use super::{Wrapper, live_allocations};
}
