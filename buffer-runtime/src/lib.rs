//! Safe, zero-copy export of Rust memory to Python through the buffer protocol
#![doc = "([PEP 3118](https://peps.python.org/pep-3118/)), on PyO3."]
//!
//! Put `#[derive(ExportBuffer)]` on a `#[pyclass]` whose data is in an [`ExportCell`], and numpy, memoryview, hashlib,
//! ctypes, torch and every other consumer of buffers can read and write that data without a copy. Rust cannot move the
//! memory while a view of it is alive: an operation that would move it fails with a `BufferError` that says what
//! prevents it.
//!
//! # The first array
//!
//! In a clone of the repository, `cargo xtask new ../matrix` writes the crate that follows, with a stub and a test. Its
//! `Cargo.toml`:
//!
//! ```toml
//! [package]
//! name = "matrix"
//! version = "0.1.0"
//! edition = "2024"
//!
//! [lib]
//! crate-type = ["cdylib"]
//!
//! [dependencies]
//! buffer-runtime = { path = "../buffer/buffer-runtime" }
//! pyo3 = "~0.30.1"
//! ```
//!
//! Its `pyproject.toml`:
//!
//! ```toml
//! [build-system]
//! requires = ["maturin>=1.9.4,<2"]
//! build-backend = "maturin"
//!
//! [project]
//! name = "matrix"
//! requires-python = ">=3.9"
//! dynamic = ["version"]
//! ```
//!
//! Its `src/lib.rs`:
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
//!
//! #[pymodule]
//! mod matrix {
//!     #[pymodule_export]
//!     use super::Matrix;
//! }
//! # fn main() {}
//! ```
//!
//! In the folder of the crate, and in an environment with maturin and numpy, `maturin develop --release` builds the module
//! and installs it. In Python:
//!
//! ```python
//! >>> import numpy as np
//! >>> from matrix import Matrix
//! >>> m = Matrix(3)
//! >>> m.add_row()
//! >>> a = np.asarray(m)       # shows Rust's memory; nothing is copied
//! >>> a[0] = 7
//! >>> m.add_row()             # might move what `a` shows
//! Traceback (most recent call last):
//!   ...
//! BufferError: cannot resize: 1 writable view is alive; release or delete every view first, or change values in place through `share`; set BUFFER_TRACE=1 to see where
//! >>> del a
//! >>> m.add_row()
//! >>> np.asarray(m)
//! array([[7., 7., 7.],
//!        [0., 0., 0.]], dtype=float32)
//! ```
//!
//! # Where to read on
//!
//! - [`ExportBuffer`] documents the derive: shapes, order, read-only buffers, and what it refuses.
//! - [`Storage`] lists what may own the memory, [`Element`] what may be stored there, and [`BufferElement`] documents
//!   the derive for records.
//! - [`ExportCell`] documents the lock: what is allowed while a view is alive, and what is refused.
//! - [`Shared`] lets Rust update elements in place while Python views them.
//! - `VecOrImported`, with the feature `pickle`, keeps the memory in which an unpickled object has arrived.
//! - [`Rows`] are allocated one by one and exported as an indirect array.
//! - [`Format`] and [`Layout`] check a format or a layout that is known only at run time, before it is declared.
//! - [`Part`] is a row, a column, a crop or a channel of an object's memory, made by a method.
//! - [`ScopedView`] makes views that end with a `with` block.
//! - [`BufferView`] is for the other direction: Rust reads the buffer of any Python object, and [`BufferViewMut`]
//!   writes it. [`StableView`] gives a slice of memory that nobody changes. [`FloatView`] accepts `float32` and
//!   `float64`, and [`ConvertedView`] converts lists and other numbers.
//!
//! # Cargo features
//!
//! `consumer` and `format` are on by default, so that everything above is there. They add no dependency, but take about
//! half of this crate's build time. A class that exports its memory needs neither, and can be built with
//! `default-features = false`. Each other feature adds one dependency, except for `dlpack`, `pickle` and `test-kit`,
//! which add none.
//!
//! | feature | brings |
//! |---|---|
//! | `aligned-vec` | the storage `aligned_vec::AVec`, which begins at a multiple of 64 bytes or more, as JAX requires |
//! | `bytes` | the storage `bytes::Bytes`, read-only |
//! | `consumer` | views of other objects: [`BufferView`], [`StableView`], [`FloatView`], [`ConvertedView`], [`ScopedView`]; turns on `format` |
//! | `default` | `consumer` and `format` |
//! | `dlpack` | `__dlpack__` on every class with a buffer of its own, on properties and on parts, for torch, JAX and others |
//! | `format` | [`Format`], and the option `format` of [`ExportBuffer`]: formats that are known only at run time |
//! | `half` | the elements `half::f16`, numpy's `float16`, and `half::bf16` |
//! | `memmap2` | the storages `memmap2::MmapMut` and, read-only, `memmap2::Mmap`: the bytes of a file |
//! | `ndarray` | the storage `ndarray::Array`, exported with its own shape and strides; with `consumer`, [`StableArray`] |
//! | `num-complex` | the elements `Complex<f32>` and `Complex<f64>`, numpy's `complex64` and `complex128` |
//! | `pickle` | the option `pickle` of [`ExportBuffer`]: objects that `pickle` and `copy` take; and the storage `VecOrImported` |
//! | `smallvec` | the storage `smallvec::SmallVec`, inline or spilled |
//! | `test-kit` | the module `test_kit`, which checks a storage of your own against the promises of [`Storage`] |
//!
//! For wheels of the stable ABI, enable the feature `abi3-py311`, or a later one, of PyO3 itself.

// Without `consumer`, some code of the lower layers is unused.
#![cfg_attr(not(feature = "consumer"), allow(dead_code, unused_imports))]
// Shows on docs.rs which items need a feature.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod cell;
mod classes;
mod contain;
#[cfg(feature = "dlpack")]
mod dlpack;
mod element;
mod error;
mod exception;
mod export;
mod ext;
mod fork;
#[cfg(feature = "format")]
pub mod format;
#[cfg(all(test, miri))]
mod interpreter;
mod layout;
mod limits;
mod lock;
mod lookup;
mod memory;
mod never;
mod part;
mod pending;
#[cfg(feature = "pickle")]
mod pickle;
mod request;
#[cfg(feature = "consumer")]
mod scoped;
mod shared;
mod stable;
mod storage;
mod trace;
#[cfg(feature = "consumer")]
mod view;

#[cfg(feature = "test-kit")]
pub mod test_kit;

#[doc(hidden)]
pub mod private;
#[doc(hidden)]
pub mod rules;

// Compiler errors name this trait. rustc prefers a name at the root to one in `private`.
#[doc(hidden)]
pub use self::export::Named as KnownClass;

// The bounds that compiler errors name: rustc prints a name at the root without a path, and prefers it to one in
// `private`.
#[cfg(feature = "format")]
#[doc(hidden)]
pub use self::layout::FormatText;
#[cfg(not(feature = "format"))]
#[doc(hidden)]
pub use self::layout::NeedsFeature;
#[cfg(feature = "consumer")]
#[doc(hidden)]
pub use self::view::UsableWhileDetached;
#[doc(hidden)]
pub use self::{
    cell::{Constructed as ExportableCell, GuardsOfExportCell},
    element::{AnyBytes as BytesOfAnyKind, Field as RecordField, Marker as FieldWithoutBytes},
    export::{
        Byte as ElementIsByte, Class as PythonClass, Exported as ExportsBuffer, Exporter as BufferExport,
        Exports as ExportsFields, Faultless as FaultlessExport, HasBytes, HasNoObjects, HasNoOptions, HasNoRows,
        HasNoTexts, HasNoTuples, HasNoWideIntegers, HasOwnShape, HasShape, HoldsBytes, IsArray, IsBare, IsInOnePiece,
        IsNoMap, IsNoObject, IsNoSlice, IsNoText, IsOneArray, IsOwned, IsPartOfWhole, IsPy, IsValid, OwnsMemory,
        Sendable as SendableClass, Shown as FieldToExport, Slot as ExportedSlot, Source as ExportedField,
        WritableByPython,
    },
    layout::{Declared as DeclaredLayout, Dim, Dimension as IntegerDimension, Distance, Numbers as IntegerDimensions},
    rules::{
        ChangedWithoutGuard, CopiedAsAWhole, Divides, Fills, IndexedWhileShared, IndexedWhileViewed,
        MutableWhileShared, NoPaddingAfter, NoPaddingBefore, NotEmpty, OnlyOneDefinition, PaddingFits, Reaches,
        ReadWithoutGuard, SameSize, SharedWithoutGuard, SlicedWhileShared, WholeItems, WrittenByReader,
    },
};

#[cfg(feature = "format")]
pub use self::format::{Format, FormatError};
#[cfg(feature = "pickle")]
#[doc(hidden)]
pub use self::pickle::{
    ArrivingCell as CellToPickle, Field as FieldToPickle, Rebuilt as StorageToPickle, Root as ClassToPickle,
};
#[cfg(all(feature = "consumer", feature = "ndarray"))]
pub use self::view::StableArray;
#[cfg(feature = "pickle")]
pub use self::{cell::SharedReadGuard, storage::VecOrImported};
pub use self::{
    cell::{ExportCell, OwnedShareGuard, ReadGuard, ShareGuard, SharedRow, WriteGuard},
    element::{Be, Bytes, Element, Le, Scalar, Viewable},
    error::BorrowError,
    export::assert_exported,
    layout::{CheckedLayout, InnerShape, Layout, LayoutError},
    part::Part,
    shared::{CopyError, Shared, SharedItems, SharedRange, SharedRead, SharedReadRange},
    storage::{
        Access, Exportable, ForeignBuffer, ForeignBufferError, FromElements, Frozen, MayWrite, OwnLayout, ReadOnly,
        ReadWrite, Replaceable, RowLengthError, Rows, Stable, Storage,
    },
    trace::{Holder, Holding, trace},
};
#[cfg(feature = "consumer")]
pub use self::{
    scoped::ScopedView,
    view::{BufferView, BufferViewMut, ConvertedView, FloatView, FloatViewMut, Items, StableOrCopy, StableView},
};
pub use buffer_derive::{BufferElement, ExportBuffer};
