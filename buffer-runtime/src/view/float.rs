//! Views of floats of either size: `float32` or `float64`, whichever the exporter has.

mod widened;

use pyo3::prelude::*;
use pyo3::{Borrowed, PyErr};

use self::widened::{Floats, change_wide, fold_wide, narrow};
use super::begin::{Intent, Viewed, raise};
use super::held::Held;
use super::item;
use super::rejection::Rejection;
use super::wanted::Wanted;
use super::{BufferView, BufferViewMut};

/// A view of the buffer of a Python object with items of `float32` or `float64`, to read them as `f64`.
///
/// As the argument of a `#[pyfunction]`, it accepts whatever [`BufferView<f32>`](BufferView) or
/// [`BufferView<f64>`](BufferView) accepts, in any layout. Nothing is copied; a `float32` is converted when it is
/// loaded, which is exact.
///
/// ```no_run
/// use buffer_runtime::FloatView;
/// use pyo3::prelude::*;
///
/// /// The mean of all items.
/// #[pyfunction]
/// fn mean(view: FloatView<'_>) -> f64 {
///     let sum = view.fold_chunks(0.0, |sum, chunk| sum + chunk.iter().sum::<f64>());
///     sum / view.len() as f64
/// }
/// ```
///
/// To compute in the precision of the items, or to use other methods of [`BufferView`], match on it:
///
/// ```no_run
/// use buffer_runtime::{BufferView, Element, FloatView};
/// use pyo3::prelude::*;
///
/// fn largest<T: Element + PartialOrd>(view: &BufferView<'_, T>) -> Option<T> {
///     view.iter().reduce(|largest, item| if item > largest { item } else { largest })
/// }
///
/// #[pyfunction]
/// fn maximum(view: FloatView<'_>) -> Option<f64> {
///     match view {
///         FloatView::F32(view) => largest(&view).map(f64::from),
///         FloatView::F64(view) => largest(&view),
///     }
/// }
/// ```
///
/// To accept lists, integers and everything else that numpy converts to `float64`, use
/// [`ConvertedView<f64>`](super::ConvertedView) instead.
///
/// # Errors
///
/// Extracting one raises what extracting a [`BufferView`] raises. The `BufferError` about other items names both types
/// that are accepted. `float16` and floats in the other byte order are not accepted.
#[derive(Debug)]
pub enum FloatView<'py> {
    /// The items are `float32`.
    F32(BufferView<'py, f32>),
    /// The items are `float64`.
    F64(BufferView<'py, f64>),
}

/// A view of the buffer of a Python object with items of `float32` or `float64`, to read and write them as `f64`.
///
/// It is to [`FloatView`] what [`BufferViewMut`] is to [`BufferView`]. A value that is stored in a `float32` is
/// rounded.
///
/// ```no_run
/// use buffer_runtime::FloatViewMut;
/// use pyo3::prelude::*;
///
/// /// Scales in place.
/// #[pyfunction]
/// fn scale(items: FloatViewMut<'_>, factor: f64) {
///     items.update(|item| item * factor);
/// }
/// ```
///
/// # Errors
///
/// Extracting one raises what extracting a [`BufferViewMut`] raises. The `BufferError` about other items names both
/// types that are accepted.
#[derive(Debug)]
pub enum FloatViewMut<'py> {
    /// The items are `float32`.
    F32(BufferViewMut<'py, f32>),
    /// The items are `float64`.
    F64(BufferViewMut<'py, f64>),
}

/// Evaluates an expression with the view of either variant.
macro_rules! with_view {
    ($this:expr, $view:ident => $body:expr) => {
        match $this {
            Self::F32($view) => $body,
            Self::F64($view) => $body,
        }
    };
}

/// The methods that read.
macro_rules! reads {
    ($type:ident) => {
        impl $type<'_> {
            /// The number of dimensions: 0 to 64.
            #[inline]
            pub fn ndim(&self) -> usize {
                with_view!(self, view => view.ndim())
            }

            /// The number of items along each dimension.
            #[inline]
            pub fn shape(&self) -> &[usize] {
                with_view!(self, view => view.shape())
            }

            /// The number of items.
            #[inline]
            pub fn len(&self) -> usize {
                with_view!(self, view => view.len())
            }

            /// The number of bytes between neighbours along each dimension. See [`BufferView::strides`].
            #[inline]
            pub fn strides(&self) -> &[isize] {
                with_view!(self, view => view.strides())
            }

            /// Whether the exporter reports the memory as read-only. It may still change: other code may be able to
            /// write it.
            #[inline]
            pub fn readonly(&self) -> bool {
                with_view!(self, view => view.readonly())
            }

            /// Whether the items are contiguous in C order, where the last index runs fastest.
            #[inline]
            pub fn is_c_contiguous(&self) -> bool {
                with_view!(self, view => view.is_c_contiguous())
            }

            /// Whether the items are contiguous in Fortran order, where the first index runs fastest.
            #[inline]
            pub fn is_f_contiguous(&self) -> bool {
                with_view!(self, view => view.is_f_contiguous())
            }

            /// Whether there are no items.
            #[inline]
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Loads one item: `view.get(&[row, column])`, or `view.get(&[])` if there are no dimensions.
            ///
            /// `None` if an index is out of range, or if the number of indices is not the number of dimensions.
            #[inline]
            pub fn get(&self, index: &[usize]) -> Option<f64> {
                with_view!(self, view => view.get(index).map(f64::from))
            }

            /// Loads the items one after the other, in C order of their indices.
            #[inline]
            pub fn iter(&self) -> impl ExactSizeIterator<Item = f64> {
                match self {
                    Self::F32(view) => Floats::Single(view.iter()),
                    Self::F64(view) => Floats::Double(view.iter()),
                }
            }

            /// The results of `convert` for all items, in C order of their indices. See [`BufferView::map_to_vec`].
            ///
            /// # Errors
            ///
            /// `MemoryError` if there is no memory for the results.
            #[inline]
            pub fn map_to_vec<U>(&self, mut convert: impl FnMut(f64) -> U) -> PyResult<Vec<U>> {
                match self {
                    Self::F32(view) => view.map_to_vec(|item| convert(f64::from(item))),
                    Self::F64(view) => view.map_to_vec(convert),
                }
            }

            /// Copies the items into a slice of the same length, in C order of their indices.
            ///
            /// # Panics
            ///
            /// If the lengths differ.
            #[inline]
            pub fn copy_to_slice(&self, target: &mut [f64]) {
                match self {
                    Self::F32(view) => {
                        assert_eq!(target.len(), view.len(), "the slice to copy to must be as long as the buffer");
                        view.fold_chunks(target, |target, chunk| {
                            let (now, later) = target.split_at_mut(chunk.len());
                            now.iter_mut().zip(chunk).for_each(|(wide, &item)| *wide = f64::from(item));
                            later
                        });
                    }
                    Self::F64(view) => view.copy_to_slice(target),
                }
            }

            /// Copies the items, in C order of their indices.
            ///
            /// # Errors
            ///
            /// `MemoryError` if there is no memory for the copy.
            #[inline]
            pub fn to_vec(&self) -> PyResult<Vec<f64>> {
                match self {
                    Self::F32(view) => view.map_to_vec(f64::from),
                    Self::F64(view) => view.to_vec(),
                }
            }

            /// Reads all items in bulk, in C order of their indices: copies one chunk of them after the other to the
            /// stack, and calls `fold` on the copy. See [`BufferView::fold_chunks`].
            ///
            /// Chunks are unrelated to rows; all but the last have the same length.
            #[inline]
            pub fn fold_chunks<A>(&self, init: A, mut fold: impl FnMut(A, &[f64]) -> A) -> A {
                match self {
                    Self::F32(view) => view.fold_chunks(init, |folded, chunk| fold_wide(chunk, folded, &mut fold)),
                    Self::F64(view) => view.fold_chunks(init, fold),
                }
            }

            /// Reads all items as arrays of `N`, in C order of their indices; the last array is filled up with `pad`.
            /// This is the fastest way to read all items; see
            /// [`SharedRead::fold_arrays`](crate::SharedRead::fold_arrays).
            #[inline]
            pub fn fold_arrays<A, const N: usize>(
                &self,
                init: A,
                pad: f64,
                mut fold: impl FnMut(A, [f64; N]) -> A,
            ) -> A {
                match self {
                    Self::F32(view) => {
                        // Not every `pad` is a `f32`, so the last array is filled up again.
                        let mut left = view.len();
                        view.fold_arrays(init, 0.0, |folded, array: [_; N]| {
                            let mut wide = array.map(f64::from);
                            if left < N {
                                wide[left..].fill(pad);
                            }
                            left = left.saturating_sub(N);
                            fold(folded, wide)
                        })
                    }
                    Self::F64(view) => view.fold_arrays(init, pad, fold),
                }
            }
        }
    };
}

reads!(FloatView);
reads!(FloatViewMut);

impl<'py> FloatView<'py> {
    /// Views the buffer of an object.
    ///
    /// # Errors
    ///
    /// `TypeError`, `BufferError`, `MemoryError` or whatever the exporter raises; the [type](Self) lists them.
    #[inline]
    pub fn from_object(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        Ok(match Granted::request(object, Intent::Read)? {
            Granted::Single(viewed) => Self::F32(viewed.view),
            Granted::Double(viewed) => Self::F64(viewed.view),
        })
    }
}

impl<'py> FloatViewMut<'py> {
    /// Views the buffer of an object, to write it.
    ///
    /// # Errors
    ///
    /// `TypeError`, `BufferError`, `MemoryError` or whatever the exporter raises; the [type](Self) lists them.
    #[inline]
    pub fn from_object(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        Ok(match Granted::request(object, Intent::Write)? {
            Granted::Single(viewed) => Self::F32(BufferViewMut::of(viewed)),
            Granted::Double(viewed) => Self::F64(BufferViewMut::of(viewed)),
        })
    }

    /// Stores one item: `view.set(&[row, column], value)`, or `view.set(&[], value)` if there are no dimensions.
    ///
    /// # Panics
    ///
    /// If an index is out of range, or if the number of indices is not the number of dimensions.
    #[track_caller]
    #[inline]
    pub fn set(&self, index: &[usize], value: f64) {
        match self {
            Self::F32(view) => view.set(index, narrow(value)),
            Self::F64(view) => view.set(index, value),
        }
    }

    /// Stores all items from a slice of the same length, in C order of their indices.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    #[inline]
    pub fn copy_from_slice(&self, source: &[f64]) {
        match self {
            Self::F32(view) => view.copy_converted(source, narrow),
            Self::F64(view) => view.copy_from_slice(source),
        }
    }

    /// Changes all items in bulk, in C order of their indices: copies one chunk of them after the other to the stack,
    /// calls `change` on the copy, and stores back the items that it changed. See [`Shared::for_each_chunk`].
    ///
    /// Chunks are unrelated to rows; all but the last have the same length.
    ///
    /// [`Shared::for_each_chunk`]: crate::Shared::for_each_chunk
    #[inline]
    pub fn for_each_chunk(&self, mut change: impl FnMut(&mut [f64])) {
        match self {
            Self::F32(view) => view.for_each_chunk(|chunk| change_wide(chunk, &mut change)),
            Self::F64(view) => view.for_each_chunk(change),
        }
    }

    /// Stores one value in all items.
    #[inline]
    pub fn fill(&self, value: f64) {
        match self {
            Self::F32(view) => view.fill(narrow(value)),
            Self::F64(view) => view.fill(value),
        }
    }

    /// Replaces each item with the result of `change`, in C order of their indices. See [`BufferViewMut::update`].
    #[inline]
    pub fn update(&self, mut change: impl FnMut(f64) -> f64) {
        match self {
            Self::F32(view) => view.update(|item| narrow(change(f64::from(item)))),
            Self::F64(view) => view.update(change),
        }
    }
}

/// A granted view whose items are floats.
enum Granted<'py> {
    Single(Viewed<'py, f32>),
    Double(Viewed<'py, f64>),
}

impl<'py> Granted<'py> {
    /// Requests one view, and then chooses the variant by its items.
    #[inline]
    fn request(object: &Bound<'py, PyAny>, access: Intent) -> PyResult<Self> {
        let (single, double) = (Wanted::of::<f32>(access), Wanted::of::<f64>(access));
        let held = Held::request(object, access.flags(), double)?;
        let has = |wanted| {
            let claims = held.reported();
            item::check(claims.format, claims.itemsize, wanted)
        };
        let granted = match (has(double), has(single)) {
            (Err(Rejection::Format { wanted, given }), Err(Rejection::Format { .. })) => {
                Err(Rejection::NotFloats { wanted, given })
            }
            // If something other than the format is wrong, `check` reports it.
            (Err(Rejection::Format { .. }), _) => BufferView::check(held, single, access).map(Self::Single),
            _ => BufferView::check(held, double, access).map(Self::Double),
        };
        granted.map_err(|problem| raise(object, &problem))
    }
}

impl<'py> FromPyObject<'_, 'py> for FloatView<'py> {
    type Error = PyErr;

    #[inline]
    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Self::from_object(&object)
    }
}

impl<'py> FromPyObject<'_, 'py> for FloatViewMut<'py> {
    type Error = PyErr;

    #[inline]
    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Self::from_object(&object)
    }
}
