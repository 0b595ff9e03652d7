//! Safe, zero-copy export of Rust memory to Python through the buffer protocol
#![doc = "([PEP 3118](https://peps.python.org/pep-3118/)), on PyO3."]
//!
//! Put `#[derive(ExportBuffer)]` on a `#[pyclass]` whose data is in an [`ExportCell`], and numpy, memoryview, hashlib,
//! ctypes, torch and every other consumer of buffers can read and write that data without a copy. Rust cannot move the
//! memory while a view of it is alive: an operation that would move it fails with a `BufferError` that says what
//! prevents it.
//!
//! ```
//! use buffer_runtime::{ExportBuffer, ExportCell};
//! use pyo3::prelude::*;
//!
//! /// A float32 matrix: a fixed number of columns, a growing number of rows.
//! #[derive(ExportBuffer)]
//! #[pyclass(frozen)]
//! struct Matrix {
//!     ncols: usize,
//!     #[buffer(shape = [_, self.ncols])]
//!     data: ExportCell<Vec<f32>>,
//! }
//!
//! #[pymethods]
//! impl Matrix {
//!     #[new]
//!     fn new(ncols: usize) -> Self {
//!         Self { ncols, data: ExportCell::new(Vec::new()) }
//!     }
//!
//!     /// Appends a row of zeros. Raises `BufferError` while any view is alive.
//!     fn add_row(&self, py: Python<'_>) -> PyResult<()> {
//!         let mut data = self.data.write(py)?;
//!         let len = data.len() + self.ncols;
//!         data.resize(len, 0.0);
//!         Ok(())
//!     }
//! }
//! ```
//!
//! - [`ExportBuffer`] documents the derive: shapes, order, read-only buffers, and what it refuses.
//! - [`Element`] lists what may be stored, and [`BufferElement`] documents the derive for records.
//! - [`ExportCell`] documents the lock: what is allowed while a view is alive, and what is refused.
//! - [`Shared`] lets Rust update elements in place while Python views them.
//! - [`Rows`] are allocated one by one and exported as an indirect array.
//! - [`Format`] and [`Layout`] check a format or a layout that is known only at run time, before it is declared.
//! - [`ScopedView`] makes views that end with a `with` block.
//! - [`BufferView`] is for the other direction: Rust reads the buffer of any Python object, and [`BufferViewMut`]
//!   writes it.

mod cell;
mod contain;
mod element;
mod error;
mod exception;
mod export;
mod ext;
mod fork;
pub mod format;
#[cfg(all(test, miri))]
mod interpreter;
mod layout;
mod limits;
mod lock;
mod memory;
mod pending;
mod request;
mod scoped;
mod shared;
mod storage;
mod view;

#[cfg(feature = "test-kit")]
pub mod test_kit;

#[doc(hidden)]
pub mod private;

pub use self::{
    cell::{ExportCell, ReadGuard, ShareGuard, SharedRow, WriteGuard},
    element::{Be, Bytes, Element, Le, Scalar},
    error::BorrowError,
    export::assert_exported,
    format::{Format, FormatError},
    layout::{CheckedLayout, InnerShape, Layout, LayoutError},
    scoped::ScopedView,
    shared::{Shared, SharedRead},
    storage::{
        Access, Exportable, ForeignBuffer, ForeignBufferError, FromElements, Frozen, MayWrite, OwnLayout, ReadOnly,
        ReadWrite, Replaceable, RowLengthError, Rows, Storage,
    },
    view::{BufferView, BufferViewMut, Items},
};
pub use buffer_derive::{BufferElement, ExportBuffer};

/// The README's example is one of the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
