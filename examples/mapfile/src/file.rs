//! The class `MapFile`: a file that is exported as its bytes.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use buffer_runtime::{ExportBuffer, ExportCell, ScopedView, Shared};
use pyo3::exceptions::{PyBufferError, PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use crate::arguments::{bytes, file_path};
use crate::header::Header;
use crate::limits::exception;
use crate::mapping::{Mapped, Mapping, Problem};

/// A file that is mapped into memory for reading and writing.
#[derive(ExportBuffer)]
#[pyclass(frozen, subclass, weakref, module = "mapfile")]
pub(crate) struct MapFile {
    path: PathBuf,
    /// None after `close`. Lock order: the cell's write guard before this mutex.
    mapped: Mutex<Option<Mapped>>,
    // The shape is evaluated for the first view, so the length of the file is checked before that view is granted.
    #[buffer(shape = [self.checked_len()?])]
    data: ExportCell<Mapping>,
}

impl MapFile {
    fn mapped(&self) -> MutexGuard<'_, Option<Mapped>> {
        self.mapped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of mapped bytes. Raises if the file no longer has all of them.
    pub(crate) fn checked_len(&self) -> PyResult<usize> {
        if let Some(mapped) = &*self.mapped() {
            mapped.check().map_err(|problem| self.raise(problem))?;
        }
        Ok(self.data.len())
    }

    /// Calls `with` with all bytes, if those from `offset` to `end` exist. Others may read and write them meanwhile.
    pub(crate) fn with_bytes<R>(
        &self,
        py: Python<'_>,
        offset: usize,
        end: usize,
        with: impl FnOnce(&Shared<u8>) -> R,
    ) -> PyResult<R> {
        let data = self.data.share(py)?;
        self.checked_len()?;
        if end > data.len() {
            let len = data.len();
            return Err(exception::<PyValueError>(format_args!(
                "the header ends at byte {end}, but by now there are {len} bytes"
            )));
        }
        debug_assert!(offset <= end);
        Ok(with(&data))
    }

    fn raise(&self, problem: Problem) -> PyErr {
        raise(&self.path, problem)
    }
}

/// The exception that Python's own functions would raise.
fn raise(path: &Path, problem: Problem) -> PyErr {
    let shown = path.display();
    match problem {
        Problem::System(error) => match error.raw_os_error() {
            // Python turns it into a subclass, such as FileNotFoundError.
            Some(code) => {
                let text = error.to_string();
                system_error(code, text.split(" (os error").next().unwrap_or(&text), path)
            }
            None if error.kind() == io::ErrorKind::InvalidInput => exception::<PyValueError>(error.to_string()),
            None => error.into(),
        },
        Problem::Irregular => {
            exception::<PyOSError>(format_args!("{shown} is no regular file, and no memory can be mapped to it"))
        }
        Problem::Empty => exception::<PyValueError>(format_args!(
            "{shown} is empty, and no memory can be mapped to it; give a length"
        )),
        Problem::Longer { has } => exception::<PyValueError>(format_args!(
            "{shown} has {has} bytes, which are more than the length; map it without one, and resize() it to cut it"
        )),
        Problem::Grown { has, mapped } => exception::<PyOSError>(format_args!(
            "{shown} has {has} bytes, but {mapped} are mapped: somebody has made it longer; map it anew"
        )),
        Problem::Truncated { has, mapped } => exception::<PyOSError>(format_args!(
            "{shown} has {has} bytes, but {mapped} are mapped: somebody has made it shorter; close it"
        )),
        Problem::Shown { others } => exception::<PyBufferError>(format_args!(
            "cannot resize: another MapFile of {shown} in this process maps {others} bytes; close that one first"
        )),
    }
}

/// Makes an `OSError(code, text, path)`. PyO3 would end the process if Python had no memory for it.
fn system_error(code: i32, text: &str, path: &Path) -> PyErr {
    Python::attach(|py| {
        let text = PyString::from_bytes(py, text.as_bytes())?;
        let path = match path.to_str() {
            Some(path) => PyString::from_bytes(py, path.as_bytes())?.into_any(),
            None => path.as_os_str().into_pyobject(py)?.into_any(),
        };
        // On Windows the code is a number of Windows, which is the last argument; elsewhere that argument is ignored.
        py.get_type::<PyOSError>().call1((code, text, path, code)).map(PyErr::from_value)
    })
    .unwrap_or_else(|no_memory: PyErr| no_memory)
}

#[pymethods]
impl MapFile {
    /// Maps an existing file. With a `length`, the file first grows to that many bytes.
    #[new]
    #[pyo3(signature = (path, length = None))]
    fn new(path: &Bound<'_, PyAny>, length: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let path = file_path(path)?;
        let length = length.map(|length| bytes(length, "length", 1)).transpose()?;
        let mapped = Mapped::open(&path, length).map_err(|problem| raise(&path, problem))?;
        let data = ExportCell::new(mapped.storage());
        Ok(Self { path, mapped: Mutex::new(Some(mapped)), data })
    }

    /// Makes the file and its mapping shorter, or longer by zeros. Raises `BufferError` while any view is alive.
    fn resize(&self, py: Python<'_>, length: &Bound<'_, PyAny>) -> PyResult<()> {
        let length = bytes(length, "length", 1)?;
        let mut data = self.data.write(py)?;
        if let Some(mapped) = &mut *self.mapped() {
            mapped.resize(length).map_err(|problem| self.raise(problem))?;
            *data = mapped.storage();
        }
        Ok(())
    }

    /// A memoryview of `length` bytes from `offset` on, or of all bytes that follow when the `with` block begins.
    #[pyo3(signature = (offset = None, length = None), text_signature = "($self, offset=0, length=None)")]
    fn view(
        slf: &Bound<'_, Self>,
        offset: Option<&Bound<'_, PyAny>>,
        length: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<ScopedView> {
        let offset = offset.map_or(Ok(0), |offset| bytes(offset, "offset", 0))?;
        let length = length.map(|length| bytes(length, "length", 0)).transpose()?;
        // Only the first view checks the file, and this view may not be the first.
        slf.get().checked_len()?;
        ScopedView::range(slf.as_any(), offset.cast_signed(), length.map(usize::cast_signed))
    }

    /// The record at `offset`.
    fn header(slf: Bound<'_, Self>, offset: &Bound<'_, PyAny>) -> PyResult<Header> {
        let offset = bytes(offset, "offset", 0)?;
        if slf.get().closed() {
            return Err(slf.get().closed_error());
        }
        let len = slf.get().data.len();
        if len < Header::SIZE || offset > len - Header::SIZE {
            let size = Header::SIZE;
            let text = format!("offset is {offset}, but there are {len} bytes, and a header takes {size}");
            return Err(exception::<PyValueError>(text));
        }
        Ok(Header::new(slf.unbind(), offset))
    }

    /// Writes the memory to the disk. Views may be alive.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        let flush = match &*self.mapped() {
            Some(mapped) => mapped.flusher(),
            None => return Err(self.closed_error()),
        };
        py.detach(flush).map_err(|error| self.raise(error.into()))
    }

    /// Unmaps and closes the file. Raises `BufferError` while any view is alive. A second call does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.data.take(py)?;
        *self.mapped() = None;
        Ok(())
    }

    #[getter]
    fn closed(&self) -> bool {
        self.data.is_closed()
    }

    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        if slf.get().closed() { Err(slf.get().closed_error()) } else { Ok(slf) }
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    fn __len__(&self) -> usize {
        self.data.len()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let (class, this) = (slf.get_type().name()?, slf.get());
        let state = if this.closed() { "closed".to_owned() } else { format!("{} bytes", this.data.len()) };
        Ok(format!("<{class} of {}, {state}>", this.path.display()))
    }
}

impl MapFile {
    fn closed_error(&self) -> PyErr {
        exception::<PyValueError>(format_args!("{} is closed", self.path.display()))
    }
}
