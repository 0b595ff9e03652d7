//! Makes the layout of a part of another layout's items: one index, a range, other axes, another shape.
//!
//! Every operation keeps the items inside the memory of the layout that it begins with.

use std::ops::{Bound, RangeBounds};

use super::overlap::may_overlap;
use super::resolve::{fill_strides, size_of_items};
use super::{CheckedLayout, LayoutError, Order};
use crate::limits::MAX_NDIM;
use crate::memory::collect;

impl CheckedLayout {
    /// The number of dimensions.
    #[inline]
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// The items with this index along an axis. The axis disappears: a row of a matrix is `index(0, row)`.
    ///
    /// # Errors
    ///
    /// There is no such axis, or no such index.
    #[inline]
    pub fn index(mut self, axis: usize, index: usize) -> Result<Self, LayoutError> {
        let extent = self.extent(axis)?;
        if index >= extent {
            return Err(LayoutError::IndexOutside { axis, index, extent });
        }
        self.skip(axis, index);
        self.shape.remove(axis);
        self.strides.remove(axis);
        self.finished()
    }

    /// Every `step`-th item of a range of indices along an axis, counted in items. A negative step goes backwards, from
    /// the last item of the range: `slice(0, .., -1)` is the same as `reverse(0)`.
    ///
    /// # Errors
    ///
    /// There is no such axis, the range leaves the axis or ends before it begins, or the step is 0. Unlike Python,
    /// nothing is cut off silently.
    #[inline]
    pub fn slice(mut self, axis: usize, range: impl RangeBounds<usize>, step: isize) -> Result<Self, LayoutError> {
        let extent = self.extent(axis)?;
        let start = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&start) => start.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&end) => end.saturating_add(1),
            Bound::Excluded(&end) => end,
            Bound::Unbounded => extent,
        };
        if start > end || end > extent {
            return Err(LayoutError::RangeOutside { axis, start, end, extent });
        }
        if step == 0 {
            return Err(LayoutError::ZeroStep { axis });
        }
        let count = (end - start).div_ceil(step.unsigned_abs());
        if count > 0 {
            self.skip(axis, if step > 0 { start } else { end - 1 });
        }
        self.shape[axis] = count.cast_signed();
        // A stride between fewer than two items has no meaning, and the product might overflow.
        if count > 1 {
            self.strides[axis] = self.strides[axis].checked_mul(step).ok_or(LayoutError::TooLarge)?;
        }
        self.finished()
    }

    /// The same items with the axes in reverse order.
    #[must_use]
    #[inline]
    pub fn transpose(mut self) -> Self {
        self.shape.reverse();
        self.strides.reverse();
        self
    }

    /// The same items in the reverse order along an axis.
    ///
    /// # Errors
    ///
    /// There is no such axis.
    #[inline]
    pub fn reverse(self, axis: usize) -> Result<Self, LayoutError> {
        self.slice(axis, .., -1)
    }

    /// The same items, read in C order, in another shape.
    ///
    /// # Errors
    ///
    /// The shape has another number of items or more than 64 dimensions, or no strides reach the items in this shape:
    /// they would have to be copied.
    #[inline]
    pub fn reshape(mut self, shape: &[usize]) -> Result<Self, LayoutError> {
        if shape.len() > MAX_NDIM {
            return Err(LayoutError::TooManyDimensions { ndim: shape.len() });
        }
        let wanted = collect(shape.iter().map(|extent| extent.cast_signed()))?;
        if wanted.iter().any(|&extent| extent < 0) {
            return Err(LayoutError::TooLarge);
        }
        let (items, product) = (count(&self.shape)?, count(&wanted)?);
        if items != product {
            return Err(LayoutError::ReshapedCount { items, product });
        }
        let mut strides = collect(wanted.iter().map(|_| 0))?;
        if items == 0 {
            fill_strides(&wanted, self.itemsize.cast_signed(), Order::C, &mut strides)?;
        } else if !self.split_and_merge(&wanted, &mut strides) {
            return Err(LayoutError::NotReshapable);
        }
        (self.shape, self.strides) = (wanted, strides);
        self.finished()
    }

    /// Finds the strides of the same items in another shape that has the same number of items, at least one. `false` if
    /// there are no such strides.
    ///
    /// Both shapes are divided, from the last axis on, into the smallest runs of axes with the same number of items.
    /// The axes of such a run of the present layout must continue each other.
    #[inline]
    fn split_and_merge(&self, wanted: &[isize], strides: &mut [isize]) -> bool {
        let mut axes = self.shape.iter().zip(&self.strides).filter(|(extent, _)| **extent != 1).rev().peekable();
        let mut next = wanted.len();
        while let Some((&extent, &innermost)) = axes.next() {
            // Wrapping: the products are only compared with strides of the layout, which do not overflow.
            let (mut items, mut stride) = (extent, innermost.wrapping_mul(extent));
            let (mut product, mut step) = (1, innermost);
            while product != items {
                if product < items {
                    // The products are equal in the end, so there is another axis.
                    next -= 1;
                    strides[next] = step;
                    product *= wanted[next];
                    step = innermost.wrapping_mul(product);
                } else {
                    let Some((&extent, &outer)) = axes.next() else { return false };
                    if outer != stride {
                        return false;
                    }
                    items *= extent;
                    stride = outer.wrapping_mul(extent);
                }
            }
        }
        // The axes that are left have one item each.
        strides[..next].fill(self.itemsize.cast_signed());
        true
    }

    #[inline]
    fn extent(&self, axis: usize) -> Result<usize, LayoutError> {
        let extent = self.shape.get(axis).ok_or(LayoutError::NoAxis { axis, ndim: self.ndim() })?;
        Ok(extent.cast_unsigned())
    }

    /// Moves the first item along an axis, to an index that exists.
    #[inline]
    fn skip(&mut self, axis: usize, index: usize) {
        // Without items the offset has no meaning, and the distance might overflow.
        if !self.shape.contains(&0) {
            self.offset += index.cast_signed() * self.strides[axis];
        }
    }

    /// Recomputes the fields that follow from the shape and the strides.
    #[inline]
    fn finished(mut self) -> Result<Self, LayoutError> {
        let itemsize = self.itemsize.cast_signed();
        self.nbytes = size_of_items(&self.shape, itemsize)?.cast_unsigned();
        self.overlaps = may_overlap(&self.shape, &self.strides, itemsize);
        Ok(self)
    }
}

/// The number of items of a shape.
#[inline]
fn count(shape: &[isize]) -> Result<usize, LayoutError> {
    size_of_items(shape, 1).map(isize::cast_unsigned)
}

#[cfg(test)]
mod tests;
