//! Views that convert what they cannot borrow.

use std::fmt;
use std::ops::Deref;

#[cfg(feature = "dlpack")]
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::{Borrowed, PyErr};

use super::begin::{Intent, Viewed, raise};
#[cfg(feature = "dlpack")]
use super::held::Held;
use super::held::exports_buffer;
use super::rejection::Rejection;
use super::wanted::Wanted;
use super::{BufferView, numpy};
use crate::element::Viewable;
use crate::lookup::optional;

/// A view of the items of a Python object as `T`, for arguments that are lists, numbers and arrays of any type.
///
/// If the object exports a buffer with items of `T`, or with the feature `dlpack` makes a tensor of them, this is a view
/// of that memory, as a [`BufferView`] is: nothing is copied. Otherwise numpy converts the object once, and this is a view of the converted array, which it keeps alive.
/// It has all methods of a [`BufferView`].
///
/// ```no_run
/// use buffer_runtime::ConvertedView;
/// use pyo3::prelude::*;
///
/// /// Accepts `np.array([1.0, 2.0])` without a copy, and converts `[1, 2]`, `range(3)` and `np.float32([1, 2])`.
/// #[pyfunction]
/// fn mean(view: ConvertedView<'_, f64>) -> f64 {
///     view.fold_chunks(0.0, |sum, chunk| sum + chunk.iter().sum::<f64>()) / view.len() as f64
/// }
/// ```
///
/// There is no such view for writing, because the results in a converted copy would be lost.
///
/// # What is converted
///
/// Whatever `np.asarray` or `np.from_dlpack` makes an array of, if numpy calls the cast from that array to `T` "`same_kind`": integers and
/// `float32` become `float64`, and `float64` is rounded to `float32`. Integers are converted to another size, and byte
/// strings to another length, if all items fit. Items in the other byte order, misaligned items, and array elements
/// whose scalars are not contiguous are converted as well. Texts, objects, complex numbers for real ones, and floats
/// for integers are refused: a caller who intends such a conversion uses `np.asarray(x, dtype=...)`.
///
/// # Errors
///
/// - Whatever the exporter raises to refuse the view; an object that refuses is not converted. But if `__dlpack__`
///   raises a `TypeError`, as that of pyarrow does for an array with nulls, numpy converts the object.
/// - `TypeError` if the conversion would lose part of an item, or if numpy makes no numbers of the object.
/// - `ValueError` if integers or byte strings do not fit, and whatever numpy raises for the object, such as
///   `ValueError` for rows of different lengths.
/// - `ImportError` if there is something to convert and numpy is not installed.
/// - `BufferError`, as for [`BufferView`], if the converted array does not have the dimensions of `T`, and if an
///   exporter contradicts itself.
/// - `MemoryError` if there is no memory for the converted array.
pub struct ConvertedView<'py, T> {
    view: BufferView<'py, T>,
    borrowed: bool,
}

impl<'py, T: Viewable> ConvertedView<'py, T> {
    /// Views the items of an object, converted if necessary.
    ///
    /// # Errors
    ///
    /// The [type](Self) lists them.
    pub fn from_object(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        let wanted = Wanted::of::<T>(Intent::Read);
        let exports = exports_buffer(object);
        let found = if exports { Some(BufferView::granted(object, Intent::Read)?) } else { of_tensor(object, wanted)? };
        let makes_tensors = !exports && found.is_some();
        match found {
            Some(Ok(viewed)) => return Ok(Self { view: viewed.view, borrowed: true }),
            Some(Err(problem)) if !is_convertible(&problem) => return Err(raise(object, &problem)),
            _ => {}
        }
        // The object is no longer viewed here, so numpy can view it.
        let only_tensors = makes_tensors && optional(object, c"__array__")?.is_none();
        let function = if only_tensors { c"from_dlpack" } else { c"asarray" };
        let converted = numpy::convert(object, function, wanted)?;
        Ok(Self { view: BufferView::from_object(&converted)?, borrowed: false })
    }

    /// Whether this is a view of the object's own memory, and not of a converted copy.
    pub fn is_borrowed(&self) -> bool {
        self.borrowed
    }
}

/// The view of an object, or why its memory cannot be viewed as such items; `None` if it shows no memory.
type Found<'py, T> = Option<Result<Viewed<'py, T>, Rejection>>;

/// The view of a tensor, if the object makes one.
#[cfg(feature = "dlpack")]
fn of_tensor<'py, T: Viewable>(object: &Bound<'py, PyAny>, wanted: Wanted) -> PyResult<Found<'py, T>> {
    match Held::take_tensor(object, Intent::Read.flags()) {
        Ok(held) => Ok(held.map(|held| BufferView::check(held, wanted, Intent::Read))),
        // An array that no tensor can show. For example, numpy makes NaN of the nulls of pyarrow.
        Err(error) if error.is_instance_of::<PyTypeError>(object.py()) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(not(feature = "dlpack"))]
#[expect(clippy::unnecessary_wraps, reason = "with the feature `dlpack`, producers may raise")]
fn of_tensor<'py, T: Viewable>(_: &Bound<'py, PyAny>, _: Wanted) -> PyResult<Found<'py, T>> {
    Ok(None)
}

/// Whether a converted copy could be viewed instead.
fn is_convertible(problem: &Rejection) -> bool {
    match problem {
        Rejection::Unreadable { error, .. } => !error.is_out_of_memory(),
        Rejection::Format { .. }
        | Rejection::ScatteredElement { .. }
        | Rejection::Misaligned { .. }
        | Rejection::MisalignedStride { .. } => true,
        Rejection::NotFloats { .. }
        | Rejection::NotUtf8(_)
        | Rejection::ElementShape { .. }
        | Rejection::Dimensions { .. }
        | Rejection::NotContiguous { .. }
        | Rejection::Overlapping { .. }
        | Rejection::NoRoom
        | Rejection::Contradiction(_) => false,
    }
}

impl<'py, T> Deref for ConvertedView<'py, T> {
    type Target = BufferView<'py, T>;

    fn deref(&self) -> &BufferView<'py, T> {
        &self.view
    }
}

impl<'py, T: Viewable> FromPyObject<'_, 'py> for ConvertedView<'py, T> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Self::from_object(&object)
    }
}

impl<T> fmt::Debug for ConvertedView<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConvertedView").field("view", &self.view).field("borrowed", &self.borrowed).finish()
    }
}
