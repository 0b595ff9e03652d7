//! Safe, zero-copy export of Rust memory to Python through the buffer protocol
#![doc = "([PEP 3118](https://peps.python.org/pep-3118/)), on PyO3."]
//!
//! Put `#[derive(ExportBuffer)]` on a `#[pyclass]` whose data is in an [`ExportCell`], and numpy, memoryview, hashlib,
//! ctypes, torch and every other consumer of buffers can read and write that data without a copy. Rust cannot move the
//! memory while a view of it is alive: whatever would is refused with a `BufferError` that says who is in the way.
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
//! - [`ExportCell`] documents the lock: what goes together with a view, and what does not.
//! - [`Shared`] is how Rust updates in place what Python sees at the same time.
//! - [`Rows`] are allocated one by one and exported as an indirect array.
//! - [`Format`] and [`Layout`] check what is known only at run time before it is declared.
//! - [`ScopedView`] makes views that end with a `with` block.
//! - [`BufferView`] goes the other way: Rust reads the buffers of any Python object, and [`BufferViewMut`] writes them.

// Loom explores the locks; what else is compiled then has nobody to use it.
#![cfg_attr(loom, allow(dead_code, unreachable_pub, unused_imports))]

#[cfg(not(loom))]
mod cell;
#[cfg(not(loom))]
mod contain;
#[cfg(not(loom))]
mod element;
mod error;
#[cfg(not(loom))]
mod exception;
#[cfg(not(loom))]
mod export;
#[cfg(not(loom))]
mod ext;
mod fork;
pub mod format;
#[cfg(all(test, miri))]
mod interpreter;
mod layout;
mod limits;
mod lock;
mod memory;
#[cfg(not(loom))]
mod pending;
mod request;
#[cfg(not(loom))]
mod scoped;
#[cfg(not(loom))]
mod shared;
#[cfg(not(loom))]
mod storage;
#[cfg(not(loom))]
mod view;

#[cfg(all(feature = "test-kit", not(loom)))]
pub mod test_kit;

#[cfg(not(loom))]
#[doc(hidden)]
pub mod private;

#[cfg(not(loom))]
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
#[cfg(not(loom))]
pub use buffer_derive::{BufferElement, ExportBuffer};

/// The README's example is one of the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
