//! The memory that arrives for a cell.

use std::fmt::{self, Display};
use std::sync::Arc;

use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;

use super::refused::{cause_of, unpickling};
use crate::cell::orphans::free_waiting;
use crate::element::{Element, Viewable};
use crate::exception::{ClassName, exception};
use crate::shared::{copy_bytes, room_for};
use crate::storage::{Import, VecOrImported};

/// A view of the bytes that have arrived for one cell.
///
/// Invariants:
///
/// 1. `view` is that of `data` and `len`. It is released when this is dropped, so the bytes stay in place until then, if the
///    exporter follows the protocol.
pub struct Frame<'py> {
    /// `None` once a storage keeps it.
    view: Option<Import>,
    /// Whether a storage may keep the view: it did not come from an object that is being copied.
    may_be_kept: bool,
    data: *const u8,
    len: usize,
    shape: Shape,
    py: Python<'py>,
    name: Name,
}

/// What a storage needs to know of its elements, besides their number.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    OnePiece,
    /// Rows are allocated one by one.
    Rows,
    /// There is a shape of its own.
    Array,
}

/// What a pickle says of it.
#[derive(Debug)]
pub(super) enum Shape {
    OnePiece,
    /// How many elements each row has.
    Rows(usize),
    /// How many elements there are along each axis.
    Array(Vec<usize>),
}

/// Which field of which class a frame is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name {
    pub(super) class: &'static str,
    pub(super) field: &'static str,
}

impl<'py> Frame<'py> {
    /// Requests a view of the bytes.
    ///
    /// # Errors
    ///
    /// `UnpicklingError` if the object has no bytes in one piece; `MemoryError`.
    pub(super) fn request(
        object: &Bound<'py, PyAny>,
        shape: Shape,
        name: Name,
        may_be_kept: bool,
    ) -> PyResult<Self> {
        let py = object.py();
        // Of objects that were dropped elsewhere, so that they do not add up.
        free_waiting(py);
        let no_memory = |_| exception::<PyMemoryError>(py, "there is no memory for a view");
        // SAFETY: attached, with an object that is alive.
        let view = match unsafe { Import::request(py, object.as_ptr(), no_memory) } {
            Ok(view) => view,
            Err(error) => {
                let (Name { field, .. }, class) = (name, ClassName::of(object)?);
                return Err(cause_of(py, error, |py| {
                    unpickling(py, format_args!("the memory of `{field}` is a `{class}`, which has no bytes in one piece"))
                }));
            }
        };
        let granted = view.fields();
        let len = usize::try_from(granted.len).ok().filter(|&len| len == 0 || !granted.buf.is_null());
        let data = granted.buf.cast::<u8>().cast_const();
        let frame = Self { view: Some(view), may_be_kept, data, len: len.unwrap_or(0), shape, py, name };
        if len.is_none() { Err(frame.refused("it has no address or a negative length")) } else { Ok(frame) }
    }

    /// How many elements of this type the bytes are.
    ///
    /// # Errors
    ///
    /// `UnpicklingError` if they are no whole number of elements.
    pub(super) fn count<E: Element>(&self) -> PyResult<usize> {
        if self.len.is_multiple_of(size_of::<E>()) {
            return Ok(self.len / size_of::<E>());
        }
        let (len, size) = (self.len, size_of::<E>());
        Err(self.refused(format_args!("it has {len} bytes, which are no whole number of elements of {size} bytes")))
    }

    /// How many elements each row has, where rows are allocated one by one.
    pub(super) fn row_len(&self) -> usize {
        match self.shape {
            Shape::Rows(row_len) => row_len,
            _ => 0,
        }
    }

    /// How many elements there are along each axis, where there is a shape.
    #[cfg(feature = "ndarray")]
    pub(super) fn extents(&self) -> &[usize] {
        match &self.shape {
            Shape::Array(extents) => extents,
            _ => &[],
        }
    }

    /// Copies all elements, wherever they lie: frames may be misaligned.
    ///
    /// # Errors
    ///
    /// `UnpicklingError` if the bytes are no whole number of elements; `MemoryError`.
    pub(super) fn to_vec<E: Viewable>(&self) -> PyResult<Vec<E>> {
        let count = self.count::<E>()?;
        self.copied(0, count)
    }

    /// Copies `count` elements from the one with the index `start` on.
    ///
    /// # Errors
    ///
    /// `UnpicklingError` if there are fewer; `MemoryError`.
    pub(super) fn copied<E: Viewable>(&self, start: usize, count: usize) -> PyResult<Vec<E>> {
        if start.checked_add(count).is_none_or(|end| end > self.len / size_of::<E>()) {
            return Err(self.refused("it has fewer elements than it should"));
        }
        let mut elements: Vec<E> = room_for(count).map_err(|_| self.no_memory())?;
        let (from, to) = (self.data.wrapping_add(start * size_of::<E>()), elements.as_mut_ptr());
        // SAFETY: the view keeps `len` bytes in place (invariant 1), all of which were just compared with the end. The
        // vector has room for as many, and is new.
        unsafe { copy_bytes(from, to.cast(), count * size_of::<E>()) };
        // SAFETY: the bytes of `count` elements were just written; any bytes are an element (`Viewable`).
        unsafe { elements.set_len(count) };
        Ok(elements)
    }

    /// The same, shared.
    ///
    /// # Errors
    ///
    /// As for [`to_vec`](Self::to_vec).
    pub(super) fn to_shared<E: Viewable>(&self) -> PyResult<Arc<[E]>> {
        let count = self.count::<E>()?;
        // An `Arc` that finds no memory ends the process, so this asks for as much before.
        drop(room_for::<E>(count).map_err(|_| self.no_memory())?);
        let mut elements = Arc::<[E]>::new_uninit_slice(count);
        let room = Arc::get_mut(&mut elements).ok_or_else(|| self.no_memory())?;
        // SAFETY: the view keeps `len` bytes in place (invariant 1), which are `count` elements. The slice has room for as
        // many, and is new.
        unsafe { copy_bytes(self.data, room.as_mut_ptr().cast(), count * size_of::<E>()) };
        // SAFETY: the bytes of all elements were just written; any bytes are an element (`Viewable`).
        Ok(unsafe { elements.assume_init() })
    }

    /// The elements where they are, if a storage may keep them there; otherwise a copy.
    ///
    /// # Errors
    ///
    /// As for [`to_vec`](Self::to_vec).
    pub(super) fn kept<E: Viewable>(&mut self) -> PyResult<VecOrImported<E>> {
        self.count::<E>()?;
        if let Some(view) = self.view.take_if(|_| self.may_be_kept) {
            match VecOrImported::of(view) {
                Ok(kept) => return Ok(kept),
                Err(view) => self.view = Some(view),
            }
        }
        self.to_vec().map(VecOrImported::from)
    }

    /// The exception for a frame that is wrong. `why` must not allocate.
    pub(super) fn refused(&self, why: impl Display) -> PyErr {
        let Name { class, field } = self.name;
        unpickling(self.py, format_args!("the pickle's memory for the field `{field}` of `{class}` is wrong: {why}"))
    }

    pub(super) fn no_memory(&self) -> PyErr {
        exception::<PyMemoryError>(self.py, "there is no memory for the unpickled elements")
    }
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { len, shape, name, .. } = self;
        f.debug_struct("Frame").field("len", len).field("shape", shape).field("name", name).finish_non_exhaustive()
    }
}

impl Drop for Frame<'_> {
    fn drop(&mut self) {
        if let Some(view) = self.view.take() {
            view.release(self.py);
        }
    }
}
