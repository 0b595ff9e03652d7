//! The consumer's side: typed views of the buffers that Python objects export.
//!
//! `begin` makes a view in this order: `held` requests it. `reported` and `item` check what the exporter reports, without
//! touching the memory. `starts` follows the pointers to rows, if there are any. `walk` turns the rest into runs of
//! elements. After that, the `Py_buffer` is used only for its `readonly` flag and for the release.

mod advice;
mod attached;
mod begin;
mod bulk;
mod converted;
pub(crate) mod fixed;
mod float;
#[cfg(fuzzing)]
pub mod fuzz;
pub(crate) mod held;
mod item;
mod not_slice;
mod numpy;
mod rejection;
mod reported;
mod stable;
mod starts;
mod walk;
mod wanted;
mod write;

use std::fmt;
use std::slice;

use pyo3::prelude::*;
use pyo3::{Borrowed, PyErr};

pub use self::attached::UsableWhileDetached;
pub use self::converted::ConvertedView;
pub use self::float::{FloatView, FloatViewMut};
#[cfg(feature = "ndarray")]
pub use self::stable::StableArray;
pub use self::stable::{StableOrCopy, StableView};
pub use self::walk::Items;
pub use self::write::BufferViewMut;

use self::begin::Intent;
use self::held::Held;
use self::walk::{Cursor, Walk};
use crate::element::{Element, Viewable};
use crate::rules::{MutableWhileShared, SlicedWhileShared, WrittenByReader};
use crate::shared::{Run, SharedRead};

/// A view of the buffer of a Python object, to read its items as `T`.
///
/// It is extracted from any object that exports a buffer: numpy arrays, `array.array`, `bytes`, `bytearray`,
/// `memoryview`, `mmap`, ctypes arrays, objects of classes that derive `ExportBuffer`, and all others. As the argument
/// of a `#[pyfunction]`:
///
/// ```no_run
/// use buffer_runtime::BufferView;
/// use pyo3::exceptions::PyValueError;
/// use pyo3::prelude::*;
///
/// /// The mean of each row.
/// #[pyfunction]
/// fn row_means(view: BufferView<'_, f64>) -> PyResult<Vec<f64>> {
///     let &[rows, columns] = view.shape() else {
///         return Err(PyValueError::new_err("expected two dimensions"));
///     };
///     let mut sums = vec![0.0; rows];
///     for (index, item) in view.iter().enumerate() {
///         sums[index / columns] += item;
///     }
///     Ok(sums.into_iter().map(|sum| sum / columns as f64).collect())
/// }
/// ```
///
/// With the feature `dlpack`, a view is also extracted from an object that exports no buffer but has `__dlpack__` and
/// `__dlpack_device__`, such as a tensor of torch. If its memory is on the CPU, it is viewed without a copy. A view
/// that writes is refused unless the tensor says that it is writable.
///
/// Any layout is accepted: any number of dimensions, strides of any sign, rows behind pointers. Items are never
/// converted: a buffer of other items is refused, with an error that tells the caller how to convert it. Formats are
/// compared by meaning, not by spelling: `l` and `q` are the same if both have 8 bytes, `<I` is `u32` on a
/// little-endian machine, and `>I` is not. [`FloatView`] accepts `float32` and `float64`, and [`ConvertedView`]
/// converts lists and other numbers.
///
/// `T` is any [`Viewable`]: every element except `bool` and records that contain one.
///
/// If `T` is an array, the last dimensions are those of the array: a buffer of shape `(5, 3)` is a `BufferView<[f32;
/// 3]>` of shape `(5,)`; a buffer of shape `(5,)` with items of format `3f` is one too.
///
/// # While it lives
///
/// The exporter is locked as by a `memoryview`: a `bytearray` cannot grow, and an [`ExportCell`](crate::ExportCell) of
/// this crate counts one view. But other threads may still write the items, even while this thread holds the GIL:
/// threads that have released the GIL can write too. So items are loaded by relaxed atomics, as [`SharedRead`]
/// describes, and there is no slice of them. For bulk work there are [`to_vec`](Self::to_vec),
/// [`copy_to_slice`](Self::copy_to_slice) and [`map_to_vec`](Self::map_to_vec), at the speed of the memory;
/// [`fold_chunks`](Self::fold_chunks), which is the easiest, and [`fold_arrays`](Self::fold_arrays), which is the
/// fastest. All of these and [`iter`](Self::iter) follow the order of the indices. If the order does not matter, read a
/// transposed array through [`shared_in_memory_order`](Self::shared_in_memory_order), which is many times as fast for a
/// large array.
///
/// A view belongs to its `'py`. To use the items while detached from Python, or on other threads, pass the reference
/// that [`shared`](Self::shared) returns:
///
/// ```no_run
/// use buffer_runtime::{BufferView, SharedRead};
/// use pyo3::exceptions::PyValueError;
/// use pyo3::prelude::*;
///
/// fn total(items: &SharedRead<f32>) -> f32 {
///     items.fold_chunks(0.0, |total, chunk| total + chunk.iter().sum::<f32>())
/// }
///
/// #[pyfunction]
/// fn total_detached(py: Python<'_>, view: BufferView<'_, f32>) -> PyResult<f32> {
///     let items = view.shared().ok_or_else(|| PyValueError::new_err("expected a C-contiguous buffer"))?;
///     Ok(py.detach(|| total(items)))
/// }
/// ```
///
/// The view itself cannot be used while detached, or on another thread, because its release must be attached. Neither
/// can a class hold one:
///
/// ```compile_fail,E0277
/// # use buffer_runtime::BufferView;
/// # use pyo3::prelude::*;
/// fn total_detached(py: Python<'_>, view: BufferView<'_, f32>) -> f32 {
///     py.detach(|| view.iter().sum())
/// }
/// ```
///
/// # Errors
///
/// Extracting a view raises the following. If the view is the argument of a function, PyO3 adds a note with the
/// argument's name, where Python has notes (from 3.11 on).
///
/// - `TypeError` if the object exports no buffer and no tensor; `memoryview` raises the same;
/// - `BufferError` if a tensor is on another device, is read-only where the view writes, or reports an impossible
///   layout;
/// - whatever the exporter raises to refuse the view, usually `BufferError`;
/// - `BufferError` if the buffer is not what is expected: other items, dimensions that are not those of `T`, items that
///   are not aligned for `T` (for example a field of a packed record);
/// - `BufferError` if the exporter contradicts itself: a shape that does not match the length, an itemsize that does
///   not match the format, more bytes than memory can have, and so on. Everything that can be checked is checked;
/// - `MemoryError` if there is no memory for the view itself, or for the addresses of rows behind pointers.
///
/// After an error, the object is no longer viewed. No consumer can check whether the memory exists: a wrong address
/// from the exporter, or a mapped file that is truncated, still crashes the process.
#[must_use = "a view is released as soon as it is dropped, and `let _ =` drops it at once; write `let view = ..`"]
pub struct BufferView<'py, T: ?Sized> {
    shape: Box<[usize]>,
    strides: Box<[isize]>,
    c_contiguous: bool,
    f_contiguous: bool,
    /// The number of leading dimensions whose indices select one of the starts of `walk`.
    depth: usize,
    walk: Walk,
    /// The items in memory order, if that is C or Fortran order.
    dense: Option<SharedRead<T>>,
    /// The last field, so it is released after all others are dropped. While the view is held, the items stay where the
    /// checks found them, if the exporter reports the truth.
    held: Held<'py>,
}

impl<'py, T> BufferView<'py, T> {
    /// Views the buffer of an object.
    ///
    /// # Errors
    ///
    /// `TypeError`, `BufferError`, `MemoryError` or whatever the exporter raises; the [type](Self) lists them.
    pub fn from_object(object: &Bound<'py, PyAny>) -> PyResult<Self>
    where
        T: Viewable,
    {
        Self::request(object, Intent::Read).map(|viewed| viewed.view)
    }
}

// `?Sized`, so that a call is no second error where `T` is refused.
impl<T: ?Sized> BufferView<'_, T> {
    /// The number of dimensions, without those of `T`: 0 to 64.
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// The number of items along each dimension.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of bytes between neighbours along each dimension. In a dimension of rows behind pointers (with a
    /// suboffset), that is the distance of the pointers.
    pub fn strides(&self) -> &[isize] {
        &self.strides
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.walk.len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the exporter reports the memory as read-only. It may still change: other code may be able to write it.
    pub fn readonly(&self) -> bool {
        self.held.readonly()
    }

    /// Whether the items are contiguous in C order, where the last index runs fastest.
    pub fn is_c_contiguous(&self) -> bool {
        self.c_contiguous
    }

    /// Whether the items are contiguous in Fortran order, where the first index runs fastest.
    pub fn is_f_contiguous(&self) -> bool {
        self.f_contiguous
    }
}

impl<T> BufferView<'_, T> {
    /// The items, to read on any thread, attached or not. `None` unless they are contiguous in C order.
    pub fn shared(&self) -> Option<&SharedRead<T>> {
        self.dense.as_ref().filter(|_| self.c_contiguous)
    }

    /// The items in memory order, to read on any thread, attached or not. `None` unless they are contiguous in C order
    /// or in Fortran order. Memory order is the order of [`iter`](Self::iter) if the view
    /// [`is_c_contiguous`](Self::is_c_contiguous); sums, for example, need no particular order.
    pub fn shared_in_memory_order(&self) -> Option<&SharedRead<T>> {
        self.dense.as_ref()
    }

    fn cursor(&self) -> Cursor<'_, T> {
        self.walk.cursor()
    }

    /// The item at an index, as a run of its own.
    #[inline]
    fn at(&self, index: &[usize]) -> Option<Run<T>> {
        if index.len() != self.shape.len() {
            return None;
        }
        let (mut row, mut offset) = (0_usize, 0_isize);
        for (axis, ((&index, &extent), &stride)) in index.iter().zip(&self.shape).zip(&self.strides).enumerate() {
            if index >= extent {
                return None;
            }
            // Wrapping, because the strides are unchecked if there are no items. If there are, nothing overflows.
            if axis < self.depth {
                row = row.wrapping_mul(extent).wrapping_add(index);
            } else {
                offset = offset.wrapping_add(stride.wrapping_mul(index.cast_signed()));
            }
        }
        let first = self.walk.starts()[row].wrapping_byte_offset(offset).cast();
        Some(Run { first, stride: 0, count: 1 })
    }
}

impl<T: Element> BufferView<'_, T> {
    /// Loads one item: `view.get(&[row, column])`, or `view.get(&[])` if there are no dimensions.
    ///
    /// `None` if an index is out of range, or if the number of indices is not the number of dimensions.
    #[inline]
    pub fn get(&self, index: &[usize]) -> Option<T> {
        let item = self.at(index)?;
        // SAFETY: `at` returns an item of the held view.
        Some(unsafe { item.load_first() })
    }

    /// Loads the items one after the other, in C order of their indices. [`Items`] says which methods of the iterator
    /// are fastest.
    pub fn iter(&self) -> Items<'_, T> {
        Items::new(self.cursor())
    }
}

// Methods that only a slice has, see `not_slice`. They are in the module of the type, which the compiler would name
// otherwise.
#[doc(hidden)]
#[allow(clippy::mut_from_ref, reason = "nobody can call them")]
impl<T> BufferView<'_, T> {
    pub fn iter_mut(&self) -> slice::IterMut<'_, T>
    where
        Self: MutableWhileShared,
    {
        unreachable!("nothing satisfies the bound")
    }

    pub fn as_mut_slice(&self) -> &mut [T]
    where
        Self: MutableWhileShared,
    {
        unreachable!("nothing satisfies the bound")
    }

    pub fn as_slice(&self) -> &[T]
    where
        Self: SlicedWhileShared,
    {
        unreachable!("nothing satisfies the bound")
    }
}

// The methods of `BufferViewMut`, with its arguments.
#[doc(hidden)]
impl<T> BufferView<'_, T> {
    pub fn set(&self, _: &[usize], _: T)
    where
        Self: WrittenByReader,
    {
        unreachable!("nothing satisfies the bound")
    }

    pub fn fill(&self, _: T)
    where
        Self: WrittenByReader,
    {
        unreachable!("nothing satisfies the bound")
    }

    pub fn copy_from_slice(&self, _: &[T])
    where
        Self: WrittenByReader,
    {
        unreachable!("nothing satisfies the bound")
    }

    pub fn update(&self, _: impl FnMut(T) -> T)
    where
        Self: WrittenByReader,
    {
        unreachable!("nothing satisfies the bound")
    }

    pub fn for_each_chunk(&self, _: impl FnMut(&mut [T]))
    where
        Self: WrittenByReader,
    {
        unreachable!("nothing satisfies the bound")
    }
}

impl<'py, T: Viewable> FromPyObject<'_, 'py> for BufferView<'py, T> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Self::from_object(&object)
    }
}

impl<'a, T: Element> IntoIterator for &'a BufferView<'_, T> {
    type Item = T;
    type IntoIter = Items<'a, T>;

    fn into_iter(self) -> Items<'a, T> {
        self.iter()
    }
}

impl<T> fmt::Debug for BufferView<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut view = f.debug_struct("BufferView");
        view.field("shape", &self.shape).field("strides", &self.strides).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
