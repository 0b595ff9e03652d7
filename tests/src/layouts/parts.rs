//! Classes that export a part of another object's memory.

use std::mem;
use std::sync::Mutex;

use buffer_runtime::{ExportBuffer, ExportCell, Rows};
use pyo3::prelude::*;

use super::content::Content;

const ITEM: isize = size_of::<i32>().cast_signed();

/// A matrix of int32, parts of which other objects export.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Whole {
    ncols: usize,
    #[buffer(shape = [_, self.ncols])]
    data: ExportCell<Vec<i32>>,
}

#[pymethods]
impl Whole {
    #[new]
    fn new(content: &[u8], ncols: usize) -> PyResult<Self> {
        Ok(Self { ncols, data: ExportCell::new(Content::from_bytes(content)?) })
    }

    fn replace(&self, py: Python<'_>, content: &[u8]) -> PyResult<()> {
        *self.data.write(py)? = Content::from_bytes(content)?;
        Ok(())
    }

    fn sum(&self, py: Python<'_>) -> PyResult<i64> {
        Ok(self.data.read(py)?.iter().map(|&item| i64::from(item)).sum())
    }

    fn views(&self) -> usize {
        self.data.views()
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.data.close(py)?;
        Ok(())
    }

    fn row(slf: Bound<'_, Self>, index: usize) -> Row {
        Row { whole: slf.unbind(), index }
    }

    fn column(slf: Bound<'_, Self>, index: usize) -> Column {
        Column { whole: slf.unbind(), index }
    }

    fn item(slf: Bound<'_, Self>, row: usize, column: usize) -> Scalar {
        Scalar { offset: (row * slf.get().ncols + column) * size_of::<i32>(), whole: slf.unbind() }
    }

    fn transposed(slf: Bound<'_, Self>) -> Transposed {
        Transposed { whole: slf.unbind() }
    }

    fn part(slf: Bound<'_, Self>, shape: Vec<isize>, strides: Vec<isize>, offset: isize, readonly: bool) -> Part {
        Part { whole: slf.unbind(), shape, strides, offset, readonly }
    }
}

impl Whole {
    fn nrows(&self) -> usize {
        self.data.len() / self.ncols
    }

    /// The distance from one row to the next, in bytes.
    fn row_stride(&self) -> usize {
        self.ncols * size_of::<i32>()
    }
}

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Row {
    index: usize,
    #[buffer(shape = [self.whole.get().ncols], offset = self.index * self.whole.get().row_stride())]
    whole: Py<Whole>,
}

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Column {
    index: usize,
    #[buffer(
        shape = [self.whole.get().nrows()],
        strides = [self.whole.get().row_stride()],
        offset = self.index * size_of::<i32>(),
    )]
    whole: Py<Whole>,
}

/// One item, which has no dimensions; its layout runs no user code.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Scalar {
    offset: usize,
    #[buffer(shape = [], offset = self.offset)]
    whole: Py<Whole>,
}

/// The whole matrix, transposed. Not frozen, so its views must borrow this object.
#[derive(ExportBuffer)]
#[pyclass]
struct Transposed {
    #[buffer(shape = [self.whole.get().ncols, self.whole.get().nrows()], strides = [ITEM, self.whole.get().row_stride()])]
    whole: Py<Whole>,
}

#[pymethods]
impl Transposed {
    /// Calls `call` while this object is mutably borrowed.
    #[allow(clippy::unused_self, reason = "it is borrowed meanwhile")]
    fn borrowed(&mut self, call: Bound<'_, PyAny>) -> PyResult<()> {
        call.call0()?;
        Ok(())
    }

    /// Makes the part export another whole from now on.
    fn turn_to(&mut self, whole: Py<Whole>) {
        self.whole = whole;
    }
}

/// Any part: its whole layout is given at run time.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Part {
    shape: Vec<isize>,
    strides: Vec<isize>,
    offset: isize,
    readonly: bool,
    #[buffer(shape = &self.shape, strides = &self.strides, offset = self.offset, readonly = self.readonly)]
    whole: Py<Whole>,
}

/// A class that Python may only read, and a part of it.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct ReadOnlyWhole {
    #[buffer(readonly)]
    data: ExportCell<Vec<i32>>,
}

#[pymethods]
impl ReadOnlyWhole {
    #[new]
    fn new(content: &[u8]) -> PyResult<Self> {
        Ok(Self { data: ExportCell::new(Content::from_bytes(content)?) })
    }

    fn first(slf: Bound<'_, Self>) -> FirstOfReadOnly {
        FirstOfReadOnly { whole: slf.unbind() }
    }
}

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct FirstOfReadOnly {
    #[buffer(shape = [1], offset = 0)]
    whole: Py<ReadOnlyWhole>,
}

/// A part that Python may only read, of a writable whole.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct ReadOnlyPart {
    #[buffer(shape = [1], offset = 0, readonly)]
    whole: Py<Whole>,
}

#[pymethods]
impl ReadOnlyPart {
    #[new]
    fn new(whole: Py<Whole>) -> Self {
        Self { whole }
    }
}

/// Bytes whose cell can be replaced while it is viewed.
#[derive(ExportBuffer)]
#[pyclass]
struct Bytes {
    #[buffer]
    data: ExportCell<Vec<u8>>,
}

#[pymethods]
impl Bytes {
    #[new]
    fn new(content: Vec<u8>) -> Self {
        Self { data: ExportCell::new(content) }
    }

    /// Replaces the viewed cell by an empty one, and drops it. Returns the number of its views.
    fn drop_cell(&mut self) -> usize {
        mem::replace(&mut self.data, ExportCell::new(Vec::new())).views()
    }

    fn views(&self) -> usize {
        self.data.views()
    }

    fn field(slf: Bound<'_, Self>, format: String, offset: usize) -> Field {
        Field { format, offset, whole: slf.unbind(), hook: Mutex::new(None) }
    }
}

/// One value in bytes, of a format that is known at run time; and a hook that is called while the format is computed.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Field {
    format: String,
    offset: usize,
    hook: Mutex<Option<Py<PyAny>>>,
    #[buffer(shape = [], format = self.format()?, offset = self.offset)]
    whole: Py<Bytes>,
}

#[pymethods]
impl Field {
    fn before_format(&self, hook: Py<PyAny>) {
        *self.hook.lock().expect("nobody panicked") = Some(hook);
    }
}

impl Field {
    fn format(&self) -> PyResult<&str> {
        let hook = self.hook.lock().expect("nobody panicked").take();
        if let Some(hook) = hook {
            Python::attach(|py| hook.call0(py))?;
        }
        Ok(&self.format)
    }
}

/// A part with a format of its own, of a whole whose items are not bytes.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Reinterpreted {
    #[buffer(shape = [1], offset = 0, format = "f")]
    whole: Py<Whole>,
}

#[pymethods]
impl Reinterpreted {
    #[new]
    fn new(whole: Py<Whole>) -> Self {
        Self { whole }
    }
}

/// Separate rows. No part of them can be exported.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct SeparateRows {
    data: ExportCell<Rows<u8>>,
}

#[pymethods]
impl SeparateRows {
    #[new]
    fn new() -> Self {
        Self { data: ExportCell::new(Rows::new(2)) }
    }

    fn part(slf: Bound<'_, Self>) -> PartOfRows {
        PartOfRows { whole: slf.unbind() }
    }

    fn views(&self) -> usize {
        self.data.views()
    }
}

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct PartOfRows {
    #[buffer(shape = [1], offset = 0)]
    whole: Py<SeparateRows>,
}

pub(super) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Whole>()?;
    module.add_class::<Row>()?;
    module.add_class::<Column>()?;
    module.add_class::<Scalar>()?;
    module.add_class::<Transposed>()?;
    module.add_class::<Part>()?;
    module.add_class::<ReadOnlyWhole>()?;
    module.add_class::<FirstOfReadOnly>()?;
    module.add_class::<ReadOnlyPart>()?;
    module.add_class::<Bytes>()?;
    module.add_class::<Field>()?;
    module.add_class::<Reinterpreted>()?;
    module.add_class::<SeparateRows>()?;
    module.add_class::<PartOfRows>()
}
