//! The three kinds of Rust borrow of a cell's memory.

use std::ops::{Deref, DerefMut};
use std::{fmt, slice};

use super::{Block, ExportCell, Header};
use crate::shared::Shared;
use crate::storage::{Exportable, Storage};

/// The header of a cell of which a guard is alive.
///
/// # Safety
///
/// The guard has begun, so the cell was constructed.
#[inline(always)]
unsafe fn held<S>(cell: &ExportCell<S>) -> &Header {
    // SAFETY: as the caller vouches.
    let block = unsafe { cell.block() };
    // SAFETY: the cell keeps its block alive, and references to the header are always shared ones (invariant 7).
    unsafe { Block::header(block).as_ref() }
}

/// The storage itself, for code that changes its length. See [`ExportCell::write`].
///
/// A `WriteGuard` is to a cell what `&mut S` is to a storage: it is `Send` and `Sync` if `&mut S` is.
#[must_use = "the memory is unlocked as soon as the guard is dropped, and `let _ =` drops it at once; write `let data = ..`"]
pub struct WriteGuard<'a, S: Exportable> {
    cell: &'a ExportCell<S>,
    /// `Send` and `Sync` as for `&mut S`.
    acts_as: std::marker::PhantomData<&'a mut S>,
}

impl<'a, S: Exportable> WriteGuard<'a, S> {
    /// The caller has just begun a write guard of the cell.
    pub(super) fn new(cell: &'a ExportCell<S>) -> Self {
        Self { cell, acts_as: std::marker::PhantomData }
    }
}

impl<S: Exportable> Deref for WriteGuard<'_, S> {
    type Target = S;

    fn deref(&self) -> &S {
        // SAFETY: the guard has begun, so the cell was constructed.
        let block = unsafe { self.cell.block() };
        // SAFETY: the cell keeps its block alive.
        let storage = unsafe { Block::storage(block) };
        // SAFETY: under the write guard no other reference to the storage or its elements exists (invariants 3 and 8).
        unsafe { &*storage }
    }
}

impl<S: Exportable> DerefMut for WriteGuard<'_, S> {
    fn deref_mut(&mut self) -> &mut S {
        // SAFETY: the guard has begun, so the cell was constructed.
        let block = unsafe { self.cell.block() };
        // SAFETY: the cell keeps its block alive.
        let storage = unsafe { Block::storage(block) };
        // SAFETY: as in `deref`, and the guard itself is borrowed mutably.
        unsafe { &mut *storage }
    }
}

impl<S: Exportable> Drop for WriteGuard<'_, S> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the guard has begun, so the cell was constructed.
        let block = unsafe { self.cell.block() };
        // SAFETY: the cell keeps its block alive, and this is still the write guard (invariant 2).
        unsafe { Block::capture(block) };
        // SAFETY: as above.
        unsafe { held(self.cell) }.lock.end_write();
    }
}

/// The elements as a slice that nothing changes, or one slice for each row. See [`ExportCell::read`].
///
/// A `for` loop takes a reference to the guard, as to the other guards:
///
/// ```
/// use buffer_runtime::ExportCell;
/// use pyo3::prelude::*;
///
/// # Python::initialize();
/// Python::attach(|py| {
///     let cell = ExportCell::new(vec![1, 2]);
///     for item in &mut cell.write(py)? {
///         *item *= 10;
///     }
///     let mut sum = 0;
///     for item in &cell.write(py)? {
///         sum += item;
///     }
///     for item in &cell.read(py)? {
///         sum += item;
///     }
///     for item in &cell.share(py)? {
///         sum += item;
///     }
///     for item in &cell.share_owned(py)? {
///         sum += item;
///     }
///     assert_eq!(sum, 120);
///     Ok::<(), PyErr>(())
/// })?;
/// # Ok::<(), PyErr>(())
/// ```
#[must_use = "the memory is unlocked as soon as the guard is dropped, and `let _ =` drops it at once; write `let data = ..`"]
pub struct ReadGuard<'a, S: Exportable> {
    pub(crate) cell: &'a ExportCell<S>,
}

impl<'a, S: Exportable> ReadGuard<'a, S> {
    /// The caller has just begun a read guard of the cell.
    pub(super) fn new(cell: &'a ExportCell<S>) -> Self {
        Self { cell }
    }
}

impl<S: Storage> Deref for ReadGuard<'_, S> {
    type Target = [S::Element];

    fn deref(&self) -> &[S::Element] {
        // SAFETY: the guard has begun, so the cell was constructed.
        let header = unsafe { held(self.cell) };
        // SAFETY: the captured elements are initialised, aligned and in one allocation (Storage, clause 1). They do not
        // move under a guard (invariant 2), and nothing writes them while a read guard is alive (invariant 8).
        unsafe { slice::from_raw_parts(header.data().cast(), header.len()) }
    }
}

impl<S: Exportable> Drop for ReadGuard<'_, S> {
    fn drop(&mut self) {
        // SAFETY: the guard has begun, so the cell was constructed.
        unsafe { held(self.cell) }.lock.end();
    }
}

/// A handle to the elements, for a share guard; without elements if rows are allocated one by one.
///
/// # Safety
///
/// The header is that of a cell of `S`. A share guard is alive, and the block is, as long as the handle.
pub(super) unsafe fn shared<S: Exportable>(header: &Header) -> Shared<S::Element> {
    let (data, len) = if S::INDIRECT { (std::ptr::dangling_mut(), 0) } else { (header.data().cast(), header.len()) };
    // SAFETY: the captured memory is valid for reads and writes (Storage, clauses 1 and 2) and does not move under a
    // guard (invariant 2). No reference to it exists while a share guard is alive (invariants 3 and 8). Rust writes
    // only valid elements; Python has only read-only views if not every bit pattern is valid (`export::descriptor`).
    unsafe { Shared::new(data, len) }
}

/// The elements, for access beside others that read and write them. See [`ExportCell::share`] and [`Shared`].
#[must_use = "the memory is unlocked as soon as the guard is dropped, and `let _ =` drops it at once; write `let data = ..`"]
pub struct ShareGuard<'a, S: Exportable> {
    pub(super) cell: &'a ExportCell<S>,
    /// Empty if rows are allocated one by one.
    pub(super) elements: Shared<S::Element>,
}

impl<'a, S: Exportable> ShareGuard<'a, S> {
    /// The caller has just begun a share guard of the cell.
    pub(super) fn new(cell: &'a ExportCell<S>) -> Self {
        // SAFETY: the guard has begun, so the cell was constructed.
        let header = unsafe { held(cell) };
        // SAFETY: the share guard has begun, and this value ends it. The handle lives as long as this value, which only
        // gives out references to it. Meanwhile the cell keeps the block alive.
        let elements = unsafe { shared::<S>(header) };
        Self { cell, elements }
    }
}

impl<S: Storage> Deref for ShareGuard<'_, S> {
    type Target = Shared<S::Element>;

    fn deref(&self) -> &Shared<S::Element> {
        &self.elements
    }
}

impl<S: Exportable> Drop for ShareGuard<'_, S> {
    fn drop(&mut self) {
        // SAFETY: the guard has begun, so the cell was constructed.
        unsafe { held(self.cell) }.lock.end();
    }
}

impl<S: Exportable + fmt::Debug> fmt::Debug for WriteGuard<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<S: Storage<Element: fmt::Debug>> fmt::Debug for ReadGuard<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<S: Exportable> fmt::Debug for ShareGuard<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShareGuard").field("len", &self.cell.len()).finish_non_exhaustive()
    }
}
