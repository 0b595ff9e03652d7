//! Samples that travel to the workers of Dask and Ray without a copy at the sender.
//!
//! `numpy.asarray(samples)` shows the samples without a copy, and `pickle` takes them out of band: an engine sends the
//! memory of the object itself. The object that arrives shows the memory in which it arrived, if that is read-only and
//! aligned, as Ray's is. The first change copies it.

mod limits;

use buffer_runtime::{ExportBuffer, ExportCell, VecOrImported};
use pyo3::exceptions::{PyMemoryError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::limits::{exception, nested};

/// Samples, float64, whose number may change.
#[derive(ExportBuffer)]
#[buffer(pickle)]
#[pyclass(frozen, subclass, weakref, module = "fleet")]
struct Samples {
    data: ExportCell<VecOrImported<f64>>,
}

#[pymethods]
impl Samples {
    /// `count` samples, all 0. Raises `MemoryError` if there is no memory for them.
    #[new]
    fn new(count: &Bound<'_, PyAny>) -> PyResult<Self> {
        let count = whole(count)?;
        let mut data = Vec::new();
        // Without memory, `vec!` would abort the interpreter.
        data.try_reserve_exact(count)
            .map_err(|_| exception::<PyMemoryError>(format_args!("no memory for {count} samples")))?;
        data.resize(count, 0.0);
        Ok(Self { data: ExportCell::new(data.into()) })
    }

    /// The sum of the samples. Raises `BufferError` while they are being resized.
    fn sum(&self, py: Python<'_>) -> PyResult<f64> {
        let data = self.data.share_read(py)?;
        Ok(py.detach(|| data.iter().sum()))
    }

    /// Multiplies each sample by a factor, in place. Arrays of the samples show the result. Samples in the memory in
    /// which they arrived are copied first, which raises `BufferError` while they are viewed.
    fn scale(&self, py: Python<'_>, factor: &Bound<'_, PyAny>) -> PyResult<()> {
        let factor = real("factor", factor)?;
        let data = self.data.share(py)?;
        py.detach(|| data.update(|sample| sample * factor));
        Ok(())
    }

    /// Adds a sample at the end. Raises `BufferError` while the samples are viewed, or are being sent.
    fn append(&self, py: Python<'_>, sample: &Bound<'_, PyAny>) -> PyResult<()> {
        let sample = real("sample", sample)?;
        let mut data = self.data.write(py)?;
        data.try_reserve(1).map_err(|_| exception::<PyMemoryError>("no memory for another sample"))?;
        data.push(sample);
        Ok(())
    }

    /// Whether the samples are in the memory in which they arrived. Then arrays of them are read-only.
    #[getter]
    fn imported(&self) -> bool {
        self.data.is_imported()
    }

    /// How many views of the samples are alive.
    #[getter]
    fn views(&self) -> usize {
        self.data.views()
    }

    /// The size of the object and its samples in bytes, by which Dask decides what to spill to disk.
    fn __sizeof__(&self) -> usize {
        size_of::<Self>() + size_of::<f64>() * self.data.len()
    }

    fn __len__(&self) -> usize {
        self.data.len()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        Ok(format!("<{} of {}>", slf.get_type().name()?, slf.get().data.len()))
    }
}

/// Reads the argument `count`.
fn whole(count: &Bound<'_, PyAny>) -> PyResult<usize> {
    let wrong = || exception::<PyValueError>("count must be from 0 to 2**63 - 1");
    // If the number does not fit in an `i64`, Python itself raises the exception.
    let n = nested(|| count.extract::<i64>()).map_err(|error: PyErr| {
        if error.is_instance_of::<PyOverflowError>(count.py()) {
            wrong()
        } else {
            expected("count must be an integer", count, error)
        }
    })?;
    usize::try_from(n).map_err(|_| wrong())
}

/// Reads the argument of this name.
fn real(name: &str, value: &Bound<'_, PyAny>) -> PyResult<f64> {
    nested(|| value.extract()).map_err(|error: PyErr| {
        if error.is_instance_of::<PyOverflowError>(value.py()) {
            return exception::<PyValueError>(format_args!("{name} is too large for a float64"));
        }
        expected(&format!("{name} must be a real number"), value, error)
    })
}

/// Replaces a `TypeError` by one that names the expected type. Any other exception comes from the object, and is kept.
fn expected(what: &str, value: &Bound<'_, PyAny>, error: PyErr) -> PyErr {
    if !error.is_instance_of::<PyTypeError>(value.py()) {
        return error;
    }
    let kind = value.get_type().name();
    kind.map_or_else(|error| error, |kind| exception::<PyTypeError>(format_args!("{what}, not {kind}")))
}

/// The stub `fleet.pyi` documents this module for Python.
#[pymodule]
mod fleet {
    #[pymodule_export]
    use super::Samples;
}
