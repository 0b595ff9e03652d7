//! `ndarray::Array`, with its shape and strides: C order, Fortran order, sliced, reversed.

use std::ptr::NonNull;

use ndarray::{Array, ArrayView, Axis, Dimension, ShapeBuilder};

use crate::cell::{Header, ReadGuard};
use crate::element::Element;
use crate::storage::{OwnLayout, ReadWrite, Storage};

// SAFETY: an owned array's elements lie in a vector of its own, all of whose elements are initialised (1, 2, 5, 7) and
// Send (6); the memory from the lowest of them to the highest is in that vector. `as_mut_ptr`, `shape` and `strides`
// make no reference to an element, and do not unwind (3, 4).
unsafe impl<A: Element, D: Dimension + 'static> Storage for Array<A, D> {
    type Element = A;
    type Access = ReadWrite;

    const STRIDED: bool = true;
    const DROPS_PLAINLY: bool = true;
    const STABLE: bool = true;

    unsafe fn raw(this: *mut Self) -> (NonNull<A>, usize) {
        // SAFETY: the caller vouches for a valid array without other references.
        let array = unsafe { &mut *this };
        let Reach { below, len } = Reach::of(array);
        if len == 0 {
            // ndarray may have moved the address out of the vector, even to NULL, and `as_mut_ptr` may assert that it
            // has not.
            return (NonNull::dangling(), 0);
        }
        // SAFETY: an array's lowest element is in the same allocation as its first.
        let lowest = unsafe { array.as_mut_ptr().sub(below) };
        // SAFETY: no pointer into a vector is null.
        (unsafe { NonNull::new_unchecked(lowest) }, len)
    }

    unsafe fn layout(this: *mut Self, layout: &mut OwnLayout) {
        // SAFETY: as for `raw`.
        let array = unsafe { &*this };
        let size = size_of::<A>();
        // The stride of an axis without a second element may be any number, and is never used.
        let axes = array.shape().iter().zip(array.strides());
        let axes = axes.map(|(&extent, &stride)| (extent, stride.wrapping_mul(size.cast_signed())));
        layout.set(Reach::of(array).below * size, axes);
    }
}

/// The memory from an array's lowest element to its highest, counted in elements.
struct Reach {
    /// How many elements there are before the array's first element, whose indices are all 0.
    below: usize,
    /// How many elements there are in all.
    len: usize,
}

impl Reach {
    fn of<A, D: Dimension>(array: &Array<A, D>) -> Self {
        let (mut below, mut above) = (0, 0);
        if array.is_empty() {
            return Self { below, len: 0 };
        }
        // No sum overflows: all these elements are in memory.
        for (&extent, &stride) in array.shape().iter().zip(array.strides()) {
            let side = if stride < 0 { &mut below } else { &mut above };
            *side += (extent - 1) * stride.unsigned_abs();
        }
        Self { below, len: below + 1 + above }
    }
}

impl<A: Element, D: Dimension + 'static> ReadGuard<'_, Array<A, D>> {
    /// The array as an `ArrayView`. The guard itself is a slice of the array's memory, whose order differs from that of
    /// the array if the array is in another order than C or sliced.
    pub fn array(&self) -> ArrayView<'_, A, D> {
        let header = self.cell.header();
        // SAFETY: `self` is a read guard, so it is a guard other than a write guard, and keeps the block alive.
        let own = unsafe { Header::own_layout(self.cell.address()) };
        // An array has a layout of its own.
        let ndim = own.map_or(0, |own| own.ndim() - A::SHAPE.extents().len());
        let axes = || own.into_iter().flat_map(OwnLayout::axes).take(ndim);
        let is_empty = axes().any(|(extent, _)| extent == 0);
        let mut shape = D::zeros(axes().count());
        let mut strides = shape.clone();
        let mut reversed = Vec::new();
        for (axis, (extent, stride)) in axes().enumerate() {
            shape[axis] = extent;
            // A stride matters only if there are elements, and more than one along its axis.
            if !is_empty && extent > 1 {
                strides[axis] = stride.unsigned_abs() / size_of::<A>();
                reversed.extend((stride < 0).then_some(Axis(axis)));
            }
        }
        // SAFETY: the memory was captured from such an array, from its lowest element on, and no stride is negative
        // here. It is initialised (Storage, clause 1), does not move while a guard is alive (invariant 2), and nothing
        // writes it while a read guard is alive (invariant 8).
        let mut view = unsafe { ArrayView::from_shape_ptr(shape.strides(strides), header.data().cast::<A>()) };
        reversed.into_iter().for_each(|axis| view.invert_axis(axis));
        view
    }
}
