//! An object that keeps the bytes of another one from being changed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use buffer_runtime::StableView;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{PyTraverseError, PyVisit};

use crate::limits::exception;

/// Keeps the bytes of a buffer from being changed until `release` is called. A `with` block calls it at its end.
#[pyclass(frozen, module = "consume")]
pub(crate) struct Held {
    bytes: Mutex<Option<StableView<'static, u8>>>,
}

/// Holds a buffer: nobody changes its bytes until `release` is called.
///
/// Raises `BufferError` if the object cannot promise that.
#[pyfunction]
#[pyo3(signature = (obj, /))]
pub(crate) fn hold(obj: &Bound<'_, PyAny>) -> PyResult<Held> {
    Ok(Held { bytes: Mutex::new(Some(StableView::bytes_of(obj)?.unbind())) })
}

impl Held {
    fn bytes(&self) -> MutexGuard<'_, Option<StableView<'static, u8>>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Held {
    /// Lets the buffer be changed again. A second call does nothing.
    fn release(&self) {
        // The mutex is unlocked before the view ends, which may run other code.
        let bytes = self.bytes().take();
        drop(bytes);
    }

    /// The CRC-32 of the bytes.
    fn checksum(&self) -> PyResult<u32> {
        match &*self.bytes() {
            Some(bytes) => Ok(crc32fast::hash(bytes)),
            None => Err(exception::<PyValueError>("the buffer was released; hold it again")),
        }
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: Bound<'_, PyTuple>) {
        self.release();
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // If the mutex is locked, a thread is using the object, so it is not garbage.
        match self.bytes.try_lock() {
            Ok(bytes) => bytes.as_ref().map_or(Ok(()), |bytes| bytes.traverse(&visit)),
            Err(_) => Ok(()),
        }
    }

    fn __clear__(&self) {
        self.release();
    }
}
