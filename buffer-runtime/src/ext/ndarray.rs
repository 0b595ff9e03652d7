//! `ndarray::Array`, with its shape and strides: C order, Fortran order, sliced, reversed.

use std::ptr::NonNull;

use ndarray::{Array, ArrayView, Axis, Dimension, ShapeBuilder};

use crate::cell::ReadGuard;
use crate::element::Element;
use crate::storage::{OwnLayout, ReadWrite, Storage};

// SAFETY: an owned array's elements lie in a vector of its own, all of whose elements are initialised (1, 2, 5) and Send (6);
// the memory from the lowest of them to the highest is in that vector. `as_mut_ptr` and the numbers do not refer to elements,
// and do not unwind (3, 4).
unsafe impl<A: Element, D: Dimension + 'static> Storage for Array<A, D> {
    type Element = A;
    type Access = ReadWrite;

    const STRIDED: bool = true;

    unsafe fn raw(this: *mut Self) -> (NonNull<A>, usize) {
        // SAFETY: the caller vouches for a valid array that nobody else refers to.
        let array = unsafe { &mut *this };
        let Reach { below, len } = Reach::of(array);
        // SAFETY: an array's lowest element is in the allocation of its first; where it has none, this adds 0.
        let lowest = unsafe { array.as_mut_ptr().sub(below) };
        // SAFETY: no pointer into a vector is null.
        (unsafe { NonNull::new_unchecked(lowest) }, len)
    }

    unsafe fn layout(this: *mut Self, layout: &mut OwnLayout) {
        // SAFETY: as for `raw`.
        let array = unsafe { &*this };
        let size = size_of::<A>();
        // Where an axis has no second element its stride may be anything, and is not looked at.
        let axes = array.shape().iter().zip(array.strides());
        let axes = axes.map(|(&extent, &stride)| (extent, stride.wrapping_mul(size.cast_signed())));
        layout.set(Reach::of(array).below * size, axes);
    }
}

/// The elements of memory between which an array's lie.
struct Reach {
    /// How many there are before its first, the one whose indices are all 0.
    below: usize,
    /// How many there are in all.
    len: usize,
}

impl Reach {
    fn of<A, D: Dimension>(array: &Array<A, D>) -> Self {
        let (mut below, mut above) = (0, 0);
        if array.is_empty() {
            return Self { below, len: 0 };
        }
        // No sum overflows: these elements are in memory.
        for (&extent, &stride) in array.shape().iter().zip(array.strides()) {
            let side = if stride < 0 { &mut below } else { &mut above };
            *side += (extent - 1) * stride.unsigned_abs();
        }
        Self { below, len: below + 1 + above }
    }
}

impl<A: Element, D: Dimension + 'static> ReadGuard<'_, Array<A, D>> {
    /// The array, as ndarray shows it. The guard itself is a slice of its memory, which other orders and slices have their own
    /// way with.
    pub fn array(&self) -> ArrayView<'_, A, D> {
        let header = self.cell.header();
        // SAFETY: a read guard is a guard.
        let own = unsafe { header.own_layout() };
        let axes = || own.axes().take(own.ndim() - A::SHAPE.extents().len());
        let is_empty = axes().any(|(extent, _)| extent == 0);
        let mut shape = D::zeros(axes().count());
        let mut strides = shape.clone();
        let mut reversed = Vec::new();
        for (axis, (extent, stride)) in axes().enumerate() {
            shape[axis] = extent;
            // Where nobody goes along an axis its stride leads nowhere.
            if !is_empty && extent > 1 {
                strides[axis] = stride.unsigned_abs() / size_of::<A>();
                reversed.extend((stride < 0).then_some(Axis(axis)));
            }
        }
        // SAFETY: the memory was captured from such an array, from its lowest element on, where all strides lead upwards. It is
        // initialised (Storage, clause 1), does not move under a guard (invariant 2), and nobody writes it beside a read guard
        // (invariant 8).
        let mut view = unsafe { ArrayView::from_shape_ptr(shape.strides(strides), header.data().cast::<A>()) };
        reversed.into_iter().for_each(|axis| view.invert_axis(axis));
        view
    }
}
