//! Storages that can be made from the memory of a pickle.

use std::sync::Arc;

use pyo3::PyResult;

use super::arrive::Arrived;
use super::frame::{Frame, Kind, Wrong};
use super::strings::FieldName;
use crate::cell::ExportCell;
use crate::element::Viewable;
use crate::storage::{Exportable, FromElements, Rows, VecOrImported};

/// A storage that can be made from copies of elements whose bytes may be anything.
///
/// A record with parameters is refused only when the code that makes its objects is compiled, because the derive cannot
/// repeat the types of its fields in a bound:
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
    note = "store a `Vec<T>`, `VecOrImported<T>`, `Box<[T]>`, `Arc<[T]>`, `[T; N]` or `Rows<T>`; for a storage of your own, implement `FromElements`",
    note = "an element with a `bool` cannot be pickled, since not every byte is a valid one; store `u8` in its place",
    note = "or write `#[buffer(default)]` above the field to begin an unpickled object with `Default::default()`"
)]
pub trait Rebuilt: Exportable + Sized {
    /// Copies the elements.
    ///
    /// # Errors
    ///
    /// The storage cannot hold as many elements as there are, or there is no memory.
    fn rebuilt(frame: &mut Frame) -> Result<Self, Wrong>;
}

#[diagnostic::do_not_recommend]
impl<S: FromElements<Element: Viewable>> Rebuilt for S {
    fn rebuilt(frame: &mut Frame) -> Result<Self, Wrong> {
        let count = frame.count::<<S as Exportable>::Element>()?;
        if let Some(always) = <S as Exportable>::LEN
            && always != count
        {
            return Err(Wrong::Count { count, always });
        }
        Ok(S::from_vec(frame.to_vec()?)?)
    }
}

#[cfg(feature = "bytes")]
#[diagnostic::do_not_recommend]
impl Rebuilt for bytes::Bytes {
    fn rebuilt(frame: &mut Frame) -> Result<Self, Wrong> {
        frame.to_vec::<u8>().map(Into::into)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Viewable> Rebuilt for Arc<[T]> {
    fn rebuilt(frame: &mut Frame) -> Result<Self, Wrong> {
        frame.to_shared()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Viewable> Rebuilt for Arc<Vec<T>> {
    fn rebuilt(frame: &mut Frame) -> Result<Self, Wrong> {
        frame.to_vec().map(Self::new)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Viewable> Rebuilt for VecOrImported<T> {
    fn rebuilt(frame: &mut Frame) -> Result<Self, Wrong> {
        frame.kept()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Viewable> Rebuilt for Rows<T> {
    fn rebuilt(frame: &mut Frame) -> Result<Self, Wrong> {
        let count = frame.count::<T>()?;
        let row_len = frame.row_len();
        let whole = if row_len == 0 { count == 0 } else { count.is_multiple_of(row_len) };
        if !whole {
            return Err(Wrong::Rows { count, row_len });
        }
        let mut rows = Self::new(row_len);
        let starts = (0..count).step_by(row_len.max(1));
        rows.try_reserve(starts.len())?;
        for start in starts {
            let row: Vec<T> = frame.copied(start, row_len)?;
            rows.push(row).map_err(Wrong::Row)?;
        }
        Ok(rows)
    }
}

/// The elements are in C order.
#[cfg(feature = "ndarray")]
#[diagnostic::do_not_recommend]
impl<A: Viewable, D: ndarray::Dimension + 'static> Rebuilt for ndarray::Array<A, D> {
    fn rebuilt(frame: &mut Frame) -> Result<Self, Wrong> {
        let (elements, extents) = (frame.to_vec()?, frame.extents());
        if let Some(always) = D::NDIM.filter(|&ndim| ndim != extents.len()) {
            return Err(Wrong::Ndim { given: extents.len(), always });
        }
        let mut shape = D::zeros(extents.len());
        shape.slice_mut().copy_from_slice(extents);
        let count = elements.len();
        Self::from_shape_vec(shape, elements).map_err(|_| Wrong::Extents { count })
    }
}

impl Kind {
    fn of<S: Exportable>() -> Self {
        match (S::INDIRECT, S::STRIDED) {
            (true, _) => Self::Rows,
            (_, true) => Self::Array,
            _ => Self::OnePiece,
        }
    }
}

/// A field of type `C`, which is a cell whose storage can be made from a pickle. It is implemented for every type: if
/// only `C` implemented it, the compiler would show the line of the implementation.
#[diagnostic::on_unimplemented(
    message = "a field of the type `{C}` cannot be pickled as memory",
    label = "not an `ExportCell`"
)]
pub trait ArrivingCell<C> {
    /// Makes a cell from the memory in `arrived`, by the name of its field.
    ///
    /// # Errors
    ///
    /// `UnpicklingError` if the memory is missing or of another kind; `MemoryError`.
    fn arrive(arrived: &Arrived<'_, '_>, name: &'static FieldName) -> PyResult<C>;
}

impl<T, S: Rebuilt> ArrivingCell<ExportCell<S>> for T {
    fn arrive(arrived: &Arrived<'_, '_>, name: &'static FieldName) -> PyResult<ExportCell<S>> {
        let mut made = Err(Wrong::NoMemory);
        let refused = arrived.with_frame::<S::Element>(name, Kind::of::<S>(), |frame| {
            made = S::rebuilt(frame).and_then(|storage| Ok(ExportCell::try_new(storage)?));
        })?;
        made.map_err(|wrong| refused.because(&wrong))
    }
}
