//! Storages that can be made of the memory that arrives.

use std::ffi::CStr;

use pyo3::PyResult;

use super::arrive::Arrived;
use super::frame::Frame;
use crate::cell::ExportCell;
use crate::element::Viewable;
use crate::storage::{Exportable, FromElements, Rows};

/// A storage that can be made of copies of elements whose every byte some other code has chosen.
///
/// A record with parameters is refused where its objects are made, since the derive cannot repeat the types of its fields in
/// a bound:
///
/// ```compile_fail,E0080
/// # use buffer_runtime::{BufferElement, ExportBuffer, ExportCell};
/// # use pyo3::prelude::*;
/// #[derive(Clone, Copy, BufferElement)]
/// #[repr(C)]
/// struct Marked<T> {
///     value: T,
///     on: bool,
/// }
///
/// #[derive(ExportBuffer)]
/// #[buffer(pickle)]
/// #[pyclass(frozen)]
/// struct Samples {
///     #[buffer(readonly)]
///     data: ExportCell<Vec<Marked<u8>>>,
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot be made of the elements in a pickle",
    label = "this storage cannot be pickled",
    note = "store a `Vec<T>`, `Box<[T]>`, `[T; N]` or `Rows<T>`; for a storage of your own, implement `FromElements`",
    note = "an element with a `bool` cannot be pickled, since not every byte is a valid one; store `u8` in its place",
    note = "or write `#[buffer(default)]` above the field to begin an unpickled object with `Default::default()`"
)]
pub trait Rebuilt: Exportable + Sized {
    /// Copies the elements.
    ///
    /// # Errors
    ///
    /// `UnpicklingError` if the storage cannot hold as many elements as there are; `MemoryError`.
    fn rebuilt(frame: &Frame<'_>) -> PyResult<Self>;
}

#[diagnostic::do_not_recommend]
impl<S: FromElements<Element: Viewable>> Rebuilt for S {
    fn rebuilt(frame: &Frame<'_>) -> PyResult<Self> {
        let count = frame.count::<<S as Exportable>::Element>()?;
        if let Some(len) = <S as Exportable>::LEN
            && len != count
        {
            return Err(frame.refused(format_args!("it has {count} elements, but there are always {len}")));
        }
        S::from_vec(frame.to_vec()?).map_err(|_| frame.no_memory())
    }
}

#[cfg(feature = "bytes")]
#[diagnostic::do_not_recommend]
impl Rebuilt for bytes::Bytes {
    fn rebuilt(frame: &Frame<'_>) -> PyResult<Self> {
        frame.to_vec::<u8>().map(Into::into)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Viewable> Rebuilt for Rows<T> {
    fn rebuilt(frame: &Frame<'_>) -> PyResult<Self> {
        let count = frame.count::<T>()?;
        let row_len = frame.row_len().unwrap_or(0);
        let whole = if row_len == 0 { count == 0 } else { count.is_multiple_of(row_len) };
        if !whole {
            return Err(frame.refused(format_args!("its {count} elements are no whole number of rows of {row_len}")));
        }
        let mut rows = Self::new(row_len);
        let starts = (0..count).step_by(row_len.max(1));
        rows.try_reserve(starts.len()).map_err(|_| frame.no_memory())?;
        for start in starts {
            let row: Vec<T> = frame.copied(start, row_len)?;
            rows.push(row).map_err(|error| frame.refused(error))?;
        }
        Ok(rows)
    }
}

/// A field that is a cell, whose storage can be made of what arrives.
#[diagnostic::on_unimplemented(
    message = "a field of the type `{Self}` cannot be pickled as memory",
    label = "not an `ExportCell`"
)]
pub trait ArrivingCell: Sized {
    /// Makes a cell of the memory that has arrived under the name of its field.
    ///
    /// # Errors
    ///
    /// `UnpicklingError` if there is none, or if it is of another kind; `MemoryError`.
    fn arrive(arrived: &Arrived<'_, '_>, name: &'static CStr) -> PyResult<Self>;
}

impl<S: Rebuilt> ArrivingCell for ExportCell<S> {
    fn arrive(arrived: &Arrived<'_, '_>, name: &'static CStr) -> PyResult<Self> {
        let frame = arrived.frame::<S::Element>(name, S::INDIRECT)?;
        Self::try_new(S::rebuilt(&frame)?).map_err(|_| frame.no_memory())
    }
}
