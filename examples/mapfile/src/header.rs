//! The class `Header`: a record at any offset of a file.

use buffer_runtime::{ExportBuffer, ScopedView, Shared};
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use crate::arguments::{byte_string, number};
use crate::file::MapFile;

/// The header of a block of data: 16 bytes, little-endian, at any offset in the file.
///
/// Its attributes read and write the file directly, and keep no view of it. As a buffer, it exports one record.
#[derive(ExportBuffer)]
#[pyclass(frozen, module = "mapfile")]
pub(crate) struct Header {
    offset: usize,
    // The offset is evaluated for every view, so every view checks the length of the file.
    #[buffer(shape = [], format = "T{<4s:magic:I:step:Q:length:}", offset = self.checked_offset()?)]
    file: Py<MapFile>,
}

impl Header {
    pub(crate) const SIZE: usize = 16;
    const MAGIC: usize = 0;
    const STEP: usize = 4;
    const LENGTH: usize = 8;

    /// The caller has checked that the header ends inside the file.
    pub(crate) fn new(file: Py<MapFile>, offset: usize) -> Self {
        Self { offset, file }
    }

    /// Raises if the file has become shorter than its mapping.
    fn checked_offset(&self) -> PyResult<usize> {
        self.file.get().checked_len()?;
        Ok(self.offset)
    }

    fn with_bytes<R>(&self, py: Python<'_>, with: impl FnOnce(&Shared<u8>) -> R) -> PyResult<R> {
        self.file.get().with_bytes(py, self.offset, self.offset + Self::SIZE, with)
    }

    fn load<const N: usize>(&self, py: Python<'_>, field: usize) -> PyResult<[u8; N]> {
        let first = self.offset + field;
        self.with_bytes(py, |bytes| std::array::from_fn(|index| bytes.get(first + index)))
    }

    fn store(&self, py: Python<'_>, field: usize, value: &[u8]) -> PyResult<()> {
        let first = self.offset + field;
        self.with_bytes(py, |bytes| value.iter().enumerate().for_each(|(index, &byte)| bytes.set(first + index, byte)))
    }
}

#[pymethods]
impl Header {
    #[getter]
    fn offset(&self) -> usize {
        self.offset
    }

    #[getter]
    fn magic(&self, py: Python<'_>) -> PyResult<[u8; 4]> {
        self.load(py, Self::MAGIC)
    }

    #[setter]
    fn set_magic(&self, magic: &Bound<'_, PyAny>) -> PyResult<()> {
        self.store(magic.py(), Self::MAGIC, &byte_string::<4>(magic, "magic")?)
    }

    #[getter]
    fn step(&self, py: Python<'_>) -> PyResult<u32> {
        Ok(u32::from_le_bytes(self.load(py, Self::STEP)?))
    }

    #[setter]
    fn set_step(&self, step: &Bound<'_, PyAny>) -> PyResult<()> {
        self.store(step.py(), Self::STEP, &number::<u32>(step, "step")?.to_le_bytes())
    }

    #[getter]
    fn length(&self, py: Python<'_>) -> PyResult<u64> {
        Ok(u64::from_le_bytes(self.load(py, Self::LENGTH)?))
    }

    #[setter]
    fn set_length(&self, length: &Bound<'_, PyAny>) -> PyResult<()> {
        self.store(length.py(), Self::LENGTH, &number::<u64>(length, "length")?.to_le_bytes())
    }

    /// A memoryview of the record, for one `with` block.
    fn view(slf: Bound<'_, Self>) -> PyResult<ScopedView> {
        ScopedView::new(slf.as_any())
    }

    /// An instance of a Python subclass of `MapFile` may keep its headers, which makes a reference cycle.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.file)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let offset = self.offset;
        match (self.step(py), self.length(py)) {
            (Ok(step), Ok(length)) => format!("<Header at {offset}: step {step}, length {length}>"),
            // The file is closed, or has become shorter.
            _ => format!("<Header at {offset}, which cannot be read>"),
        }
    }
}
