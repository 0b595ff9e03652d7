//! Element access beside concurrent writers: `Shared<T>`.
//!
//! Python code writes this memory without synchronising with Rust, either with the GIL released or in a build without a
//! GIL. A plain load that races with such a write would be a data race, so every access here is by relaxed atomics.
//!
//! 1. In Rust's memory model every access is to single bytes, so that handles to the same memory may have items of
//!    different sizes. On the processors that `access` lists, the machine code loads and stores a whole unit of `T` at
//!    once. A unit is as large as the alignment of `T`, at most a machine word.
//! 2. No reference to an element exists, only raw pointers; the caller gets copies.
//! 3. The memory contains valid `T`s at any time. If not every bit pattern is a valid `T`, as for `bool`, foreign code
//!    may not write: no class exports such elements for writing (`export::descriptor`).
//!
//! The module assumes of foreign code, as documented on the type: its plain loads and stores act as relaxed atomic
//! loads and stores of each byte, which may race.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

pub(crate) use self::bulk::{fold_arrays, fold_arrays_with, fold_chunks, fold_chunks_with, for_each_chunk, update};
pub use self::copy_error::CopyError;
pub use self::range::{SharedRange, SharedReadRange};
pub use self::read::{SharedItems, SharedRead};
pub(crate) use self::room::room_for;
pub(crate) use self::run::{Run, Runs, fill, load, store};

use self::unit::copy_in;
#[cfg(feature = "pickle")]
use self::unit::copy_out;
use crate::element::Element;

mod access;
mod arrays;
mod block;
mod bulk;
mod chunk;
mod copy_error;
mod not_slice;
mod range;
mod read;
mod room;
mod run;
mod unit;
mod wide;

/// Elements that other code, such as Python consumers, may read and write at the same time.
///
/// Each byte is loaded and stored as by a relaxed atomic, so that handles to the same memory may have elements of
/// different sizes. Concurrent writes by other code are not undefined behaviour, but they are not ordered either:
///
/// - a load of an element larger than its unit may return some old and some new bytes. On x86, x86-64 and aarch64 a
///   unit is as large as the alignment of `T`, at most a machine word, so on 64-bit machines scalars are never torn. On
///   other processors a unit is a byte;
/// - a load and a later store are two steps: an update that another thread makes in between is lost.
///
/// Foreign code is assumed to access this memory as if by racing loads and stores of single bytes, which is how
/// compiled C behaves.
///
/// A `Shared` is not a slice, and `[]` cannot index it, since that would require a reference. Use
/// [`get`](SharedRead::get) and [`set`](Self::set). To change all elements, use [`update`](Self::update), which is as
/// fast as numpy, or [`for_each_chunk`](Self::for_each_chunk), which takes at most a quarter longer with AVX2, and
/// keeps concurrent writes to the elements that it does not change. To read all elements,
/// [`fold_chunks`](SharedRead::fold_chunks) is the easiest way, and [`fold_arrays`](SharedRead::fold_arrays) the
/// fastest. [`range`](Self::range) returns a part, such as a row. All methods that only read are on [`SharedRead`], to
/// which a `Shared` derefs.
///
/// A `Shared` is borrowed from a [`ShareGuard`](crate::ShareGuard) or a [`BufferViewMut`](crate::BufferViewMut), and
/// lives no longer than that. A reference to it may be sent to other threads, and used while detached from Python:
///
/// ```
/// use buffer_runtime::{ExportBuffer, ExportCell, Shared};
/// use pyo3::prelude::*;
///
/// /// Temperatures along a rod. Arrays that show them may be alive during `step`.
/// #[derive(ExportBuffer)]
/// #[pyclass(frozen)]
/// struct Rod {
///     data: ExportCell<Vec<f64>>,
/// }
///
/// #[pymethods]
/// impl Rod {
///     fn step(&self, py: Python<'_>) -> PyResult<()> {
///         let rod = self.data.share(py)?;
///         py.detach(|| diffuse(&rod));
///         Ok(())
///     }
/// }
///
/// /// Every element but the first and the last becomes the mean of its two neighbours.
/// fn diffuse(rod: &Shared<f64>) {
///     let mut west = rod.get(0);
///     for index in 1..rod.len() - 1 {
///         let here = rod.get(index);
///         rod.set(index, (west + rod.get(index + 1)) / 2.0);
///         west = here;
///     }
/// }
/// # Python::initialize();
/// # Python::attach(|py| {
/// #     let rod = Rod { data: ExportCell::new(vec![8.0, 0.0, 0.0, 4.0]) };
/// #     rod.step(py)?;
/// #     assert_eq!(rod.data.share(py)?.to_vec()?, [8.0, 4.0, 2.0, 4.0]);
/// #     Ok::<(), PyErr>(())
/// # })?;
/// # Ok::<(), PyErr>(())
/// ```
pub struct Shared<T: ?Sized> {
    reads: SharedRead<T>,
    /// Makes `T` invariant, as for any type that writes through a shared reference: other handles read the stored
    /// values as `T`, so they must not be stored as a supertype of `T`.
    writes: PhantomData<fn(T) -> T>,
}

impl<T: Element> Shared<T> {
    /// # Safety
    ///
    /// While the handle lives, `data` is aligned and valid for reads and writes of `len` initialised elements, and no
    /// reference to them exists. Unless `T::ANY_BITS`, all code writes only valid elements.
    pub(crate) unsafe fn new(data: *mut T, len: usize) -> Self {
        // SAFETY: the caller's promise includes the one for reads.
        Self { reads: unsafe { SharedRead::new(data, len) }, writes: PhantomData }
    }

    /// Stores one element.
    ///
    /// # Panics
    ///
    /// When `index` is not less than `len()`.
    #[inline]
    pub fn set(&self, index: usize, value: T) {
        // SAFETY: `at` has checked the index, and a local is one initialised element.
        unsafe { copy_in(&raw const value, self.reads.at(index), 1) };
    }

    /// Stores all elements from a slice of the same length.
    ///
    /// # Panics
    ///
    /// When the lengths differ.
    pub fn copy_from_slice(&self, source: &[T]) {
        assert_eq!(source.len(), self.len(), "the slice to copy from must be as long as the buffer");
        // SAFETY: the slice has `len` initialised elements, as many as the shared memory.
        unsafe { copy_in(source.as_ptr(), self.as_ptr(), self.len()) };
    }

    /// Stores one value in every element.
    pub fn fill(&self, value: T) {
        // SAFETY: the elements may be written as long as the handle lives.
        unsafe { fill(&mut self.reads.dense(), value) };
    }

    /// Changes all elements in bulk: copies one chunk of them after the other to local memory, calls `change` with the
    /// copy, an ordinary slice (the compiler vectorises the work on it), and stores back the units that changed.
    ///
    /// The chunks are in order; all but the last have the same length. On x86-64 with AVX2 they have 128 bytes, if
    /// elements fit in these, so that a simple `change` works in registers, at 0.8 to 0.95 of the speed of
    /// [`update`](Self::update) if most elements change. Elsewhere they have up to 4096 bytes, and the speed is a third
    /// to a half of that of `update`. A `change` that needs more elements at a time, such as a row, should copy them
    /// from a [`range`](Self::range) and back.
    ///
    /// A concurrent write to an element that `change` does not change is kept; a concurrent write to an element that
    /// `change` changes may be lost. When `change` panics, its chunk is not stored.
    ///
    /// ```
    /// # use buffer_runtime::Shared;
    /// /// Removes what is below zero.
    /// fn clip(items: &Shared<f32>) {
    ///     items.for_each_chunk(|chunk| {
    ///         for item in chunk {
    ///             *item = item.max(0.0);
    ///         }
    ///     });
    /// }
    /// ```
    pub fn for_each_chunk(&self, change: impl FnMut(&mut [T])) {
        // SAFETY: the elements may be written as long as the handle lives.
        unsafe { for_each_chunk(self.reads.dense(), change) };
    }

    /// Replaces each element by the result of `change`, in order.
    ///
    /// This is the fastest way to change all elements, as fast as numpy: the compiler vectorises a simple `change`, and
    /// elements of 1, 2, 4 and so on up to 128 bytes are loaded into registers and stored from there. Other elements
    /// are copied to a chunk on the stack and back.
    ///
    /// Elements are loaded and stored a few at a time, at most 4096 bytes or one element, with the calls of `change` in
    /// between. Every element is stored, even an unchanged one: a write to it between its load and its store is lost,
    /// whether another thread makes it or `change` itself does, through another handle or through Python. If most
    /// elements do not change, use [`for_each_chunk`](Self::for_each_chunk), which keeps concurrent writes to those.
    /// When `change` panics, the elements before are stored, except those that were loaded together with the element of
    /// the panicking call.
    ///
    /// ```
    /// # use buffer_runtime::Shared;
    /// fn scale(items: &Shared<f32>, factor: f32) {
    ///     items.update(|item| item * factor);
    /// }
    /// ```
    pub fn update(&self, change: impl FnMut(T) -> T) {
        // SAFETY: the elements may be written as long as the handle lives.
        unsafe { update(self.reads.dense(), change) };
    }

    /// The address of the elements, for callers that can guarantee more than this type does.
    ///
    /// The pointer is valid as long as the guard or view that the handle was borrowed from. Non-atomic accesses through
    /// it must not race with any other access.
    pub fn as_ptr(&self) -> *mut T {
        self.reads.data()
    }
}

impl<T> Deref for Shared<T> {
    type Target = SharedRead<T>;

    fn deref(&self) -> &SharedRead<T> {
        &self.reads
    }
}

impl<'a, T: Element> IntoIterator for &'a Shared<T> {
    type Item = T;
    type IntoIter = SharedItems<'a, T>;

    fn into_iter(self) -> SharedItems<'a, T> {
        self.iter()
    }
}

impl<T: Element> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Copies bytes that other code may write at the same time.
///
/// # Safety
///
/// `from` may be read and `to` may be written for `len` bytes. Rust accesses those of `from` by atomics alone, and
/// nothing else accesses those of `to`. Both are not null, unless `len` is 0.
#[cfg(feature = "pickle")]
pub(crate) unsafe fn copy_bytes(from: *const u8, to: *mut u8, len: usize) {
    if len > 0 {
        // SAFETY: as the caller vouches; a byte has no alignment and no padding.
        unsafe { copy_out(from.cast_mut(), to, len) };
    }
}

#[cfg(test)]
mod tests;
