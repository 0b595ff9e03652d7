//! Arrays of ndarray over memory that nobody changes, with any strides.

use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

use ndarray::{ArrayView, Axis, Dimension, ShapeBuilder};
use pyo3::prelude::*;
use pyo3::{Borrowed, PyErr, ffi};

use super::super::begin::{Intent, check_element, raise};
use super::super::rejection::Rejection;
use super::super::reported::Places;
use super::super::wanted::Wanted;
use super::kept::Kept;
use crate::element::{Element, Viewable};

/// A [`StableView`](super::StableView) as an array of `ndarray`, with the shape and the strides of the object: C order,
/// Fortran order, sliced, reversed. `D` is the dimension type: `Ix2` for a matrix, `IxDyn` for any number of
/// dimensions.
///
/// ```no_run
/// use buffer_runtime::StableArray;
/// use ndarray::Ix2;
/// use pyo3::prelude::*;
///
/// #[pyfunction]
/// fn trace(py: Python<'_>, matrix: StableArray<'_, f64, Ix2>) -> f64 {
///     py.detach(|| matrix.array().diag().sum())
/// }
/// ```
///
/// # Errors
///
/// Those of a [`StableView`](super::StableView), but the items may be in any order. `BufferError` if the number of
/// dimensions differs, if rows are behind pointers, or if a stride is not a multiple of the size of an item.
#[must_use = "a view is released as soon as it is dropped, and `let _ =` drops it at once; write `let view = ..`"]
pub struct StableArray<'py, T, D> {
    /// The item with the lowest address.
    lowest: NonNull<T>,
    /// Extents, and strides in items without their signs.
    shape: D,
    strides: D,
    /// The axes along which addresses decrease.
    reversed: Box<[usize]>,
    /// The last field, so it is released after all others are dropped.
    _kept: Kept<'py>,
    elements: PhantomData<&'py [T]>,
}

// SAFETY: these are elements, numbers, and the views that keep the elements; all are Send and Sync.
unsafe impl<T: Element, D: Dimension> Send for StableArray<'_, T, D> {}
// SAFETY: as above.
unsafe impl<T: Element, D: Dimension> Sync for StableArray<'_, T, D> {}

impl<'py, T: Viewable, D: Dimension> StableArray<'py, T, D> {
    /// Views the memory of an object.
    ///
    /// # Errors
    ///
    /// The [type](Self) lists them.
    pub fn from_object(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        const { check_element::<T>() }
        let wanted = Wanted::of::<T>(Intent::Read);
        let kept = Kept::request(object, ffi::PyBUF_FULL_RO, wanted)?;
        Self::check(kept, wanted).map_err(|problem| raise(object, &problem))
    }

    fn check(kept: Kept<'py>, wanted: Wanted) -> Result<Self, Rejection> {
        let claims = kept.reported();
        let buf = claims.buf;
        let places = claims.check(wanted)?;
        let Places { shape: extents, strides: distances, suboffsets, len, reach, .. } = places;
        if D::NDIM.is_some_and(|ndim| ndim != extents.len()) {
            return Err(Rejection::Dimensions { wanted: D::NDIM.unwrap_or(0), given: extents.len() });
        }
        let size = wanted.size.cast_signed();
        let (mut shape, mut reversed) = (D::zeros(extents.len()), Vec::new());
        let mut strides = shape.clone();
        for (axis, (&extent, &distance)) in extents.iter().zip(&distances).enumerate() {
            shape[axis] = extent.cast_unsigned();
            // A stride matters only if there are items, and more than one along its axis.
            if len > 0 && extent > 1 {
                if distance % size != 0 {
                    return Err(Rejection::NotContiguous { wanted });
                }
                strides[axis] = (distance / size).unsigned_abs();
                if distance < 0 {
                    reversed.push(axis);
                }
            }
        }
        if !suboffsets.is_empty() {
            return Err(Rejection::NotContiguous { wanted });
        }
        // Inside the memory (`Places`, clauses 3 and 4).
        let lowest = NonNull::new(buf.wrapping_byte_sub(reach.before).cast()).filter(|_| len > 0);
        let lowest = lowest.unwrap_or(NonNull::dangling());
        Ok(Self { lowest, shape, strides, reversed: reversed.into(), _kept: kept, elements: PhantomData })
    }

    /// The array.
    pub fn array(&self) -> ArrayView<'_, T, D> {
        let shape = self.shape.clone().strides(self.strides.clone());
        // SAFETY: all items lie in the memory of the view, from the lowest one on, aligned (`Places`, clauses 3 and 4);
        // they are initialised, every bit pattern is valid, and nobody writes them while they are kept.
        let mut view = unsafe { ArrayView::from_shape_ptr(shape, self.lowest.as_ptr()) };
        self.reversed.iter().for_each(|&axis| view.invert_axis(Axis(axis)));
        view
    }
}

impl<'py, T: Viewable, D: Dimension> FromPyObject<'_, 'py> for StableArray<'py, T, D> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Self::from_object(&object)
    }
}

impl<T, D: Dimension> fmt::Debug for StableArray<'_, T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StableArray").field("shape", &self.shape).finish_non_exhaustive()
    }
}
