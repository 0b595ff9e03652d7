//! Memory that a C library allocates and frees, shown by numpy without a copy.
//!
//! If a class passes its memory to numpy and frees it in its destructor, every array that outlives the object dangles.
//! Here an [`ExportCell`] owns the memory: the library frees it only when the object and the last array are gone.

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

/// The int32 numbers from 0 to n - 1, in memory that the library allocates.
#[derive(ExportBuffer)]
#[pyclass(frozen, weakref, module = "foreign")]
struct Wrapper {
    numbers: ExportCell<ForeignBuffer<i32>>,
}

#[pymethods]
impl Wrapper {
    #[new]
    fn new(n: &Bound<'_, PyAny>) -> PyResult<Self> {
        let n = count(n)?;
        // SAFETY: it is called once, with a pointer that `numbers_new` returned.
        let free = |numbers, _| unsafe { numbers_free(numbers) };
        // SAFETY: the library returns n numbers or NULL. They are ours until `numbers_free`, which any thread may call.
        let numbers = unsafe { ForeignBuffer::new(numbers_new(n), n, free) };
        // The pointer was NULL: the library's memory is always aligned.
        let numbers = numbers.map_err(|_| exception::<PyMemoryError>(format_args!("no memory for {n} int32")))?;
        Ok(Self { numbers: ExportCell::new(numbers) })
    }

    /// Frees the memory now. Raises `BufferError` while any view is alive. A second call does nothing.
    fn free(&self, py: Python<'_>) -> PyResult<()> {
        // Dropping the storage frees the memory.
        Ok(self.numbers.take(py).map(drop)?)
    }

    fn __len__(&self) -> usize {
        self.numbers.len()
    }
}

/// Reads the argument `n`: any object with `__index__`, from 0 to `isize::MAX`.
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
        // The number does not fit into an `isize`: it is very large or very negative.
        Err(error) if error.is_instance_of::<PyOverflowError>(py) => {
            let text = if n.lt(0)? { "n must be at least 0" } else { "n is too large for any memory" };
            text.to_owned()
        }
        Err(error) => return Err(error),
    };
    Err(exception::<PyValueError>(text))
}

/// The number of allocations of the library that are not freed yet.
#[pyfunction]
fn live_allocations() -> usize {
    numbers_live()
}

/// The stub `foreign.pyi` documents this module for Python.
#[pymodule]
mod foreign {
    #[pymodule_export]
    use super::{Wrapper, live_allocations};
}
