//! From what a class declares to checked shape, offset and strides.
//!
//! The numbers stand in one array: the extents, then the offset in bytes, then the strides in bytes. Each declaration is a
//! prefix of it, so that comparing the prefix tells whether a layout still holds.

use super::{Descriptor, Dim, LayoutError, MAX_NDIM, Order, Placement};
use crate::request::Facts;

/// What follows from the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// Where the item with all indices 0 is, in bytes from the start of the storage.
    pub(crate) offset: usize,
    /// The size of all items together, in bytes.
    pub(crate) nbytes: isize,
    pub(crate) facts: Facts,
}

/// Resolves a declaration against a storage of `len` elements, and writes shape, offset and strides into `arrays`, which
/// has room for `2 * ndim + 1` numbers. On an error their contents are unspecified.
pub(crate) fn resolve(
    descriptor: &Descriptor,
    len: usize,
    dims: &[Dim],
    arrays: &mut [isize],
) -> Result<Resolved, LayoutError> {
    let ndim = descriptor.ndim;
    let items = len.checked_mul(descriptor.inner.scalars()).ok_or(LayoutError::TooLarge)?;
    let bytes = items.checked_mul(descriptor.itemsize).and_then(|bytes| isize::try_from(bytes).ok());
    let bytes = bytes.ok_or(LayoutError::TooLarge)?;
    let itemsize = descriptor.itemsize.cast_signed();

    let mut own = [Dim::Inferred; MAX_NDIM];
    let dims = if descriptor.natural { own_dims(descriptor, len, &mut own) } else { dims };
    let (extents, rest) = dims.split_at(ndim);
    let (shape, rest_of_arrays) = arrays.split_at_mut(ndim);
    let (offset, strides) = rest_of_arrays.split_at_mut(1);
    let offset = &mut offset[0];

    *offset = match rest.first() {
        None => 0,
        Some(&declared) => number(declared)?,
    };
    if *offset < 0 || *offset > bytes {
        return Err(LayoutError::OffsetOutside { offset: *offset, bytes });
    }
    match descriptor.placement {
        Placement::Dense => {
            let product = resolve_extents(extents, shape, items)?;
            if product != items {
                return Err(LayoutError::Mismatch { items, product });
            }
        }
        Placement::Offset => {
            // What is left may hold more than the items, unless one extent is to be whatever is left.
            let left = (bytes - *offset).cast_unsigned();
            let inferred = extents.contains(&Dim::Inferred);
            if inferred && !left.is_multiple_of(descriptor.itemsize) {
                return Err(LayoutError::Indivisible { items: left, known: descriptor.itemsize });
            }
            resolve_extents(extents, shape, left / descriptor.itemsize)?;
        }
        Placement::Strided => {
            resolve_extents(extents, shape, 0)?;
            for (stride, &declared) in strides.iter_mut().zip(&rest[1..]) {
                *stride = number(declared)?;
            }
        }
    }
    let nbytes = size_of_items(shape, itemsize)?;
    if descriptor.placement != Placement::Strided {
        fill_strides(shape, itemsize, descriptor.order, strides)?;
    }
    check_bounds(shape, strides, *offset, itemsize, bytes)?;

    let (c_contiguous, f_contiguous) = contiguity(shape, strides, itemsize);
    let readonly = descriptor.readonly || may_overlap(shape, strides, itemsize);
    Ok(Resolved { offset: offset.cast_unsigned(), nbytes, facts: Facts { ndim, c_contiguous, f_contiguous, readonly } })
}

/// The storage's own shape: its length, then the extents of one element.
fn own_dims<'a>(descriptor: &Descriptor, len: usize, dims: &'a mut [Dim; MAX_NDIM]) -> &'a [Dim] {
    let inner = descriptor.inner.extents();
    let own = &mut dims[..=inner.len()];
    own[0] = Dim::of(len);
    for (dim, &extent) in own[1..].iter_mut().zip(inner) {
        *dim = Dim::of(extent);
    }
    own
}

/// An offset or a stride, which has nothing to be inferred from.
fn number(dim: Dim) -> Result<isize, LayoutError> {
    match dim {
        Dim::Extent(number) => Ok(number),
        Dim::Inferred | Dim::TooLarge => Err(LayoutError::TooLarge),
    }
}

/// Writes the shape, inferring one extent from `items`. Answers how many items it has.
fn resolve_extents(dims: &[Dim], shape: &mut [isize], items: usize) -> Result<usize, LayoutError> {
    let mut known: usize = 1;
    let mut zero = false;
    let mut inferred = None;
    for (axis, dim) in dims.iter().enumerate() {
        match *dim {
            Dim::Inferred => inferred = Some(axis),
            Dim::TooLarge => return Err(LayoutError::TooLarge),
            Dim::Extent(extent) => {
                let length = usize::try_from(extent).map_err(|_| LayoutError::Negative { axis, extent })?;
                if length == 0 {
                    zero = true;
                } else {
                    // Zeros are left out of the product, so that it overflows where dense strides would.
                    known = known.checked_mul(length).ok_or(LayoutError::TooLarge)?;
                }
                shape[axis] = extent;
            }
        }
    }
    match inferred {
        Some(_) if zero => Err(LayoutError::InferredBesideZero),
        Some(_) if !items.is_multiple_of(known) => Err(LayoutError::Indivisible { items, known }),
        Some(axis) => {
            shape[axis] = isize::try_from(items / known).map_err(|_| LayoutError::TooLarge)?;
            Ok(items)
        }
        None => Ok(if zero { 0 } else { known }),
    }
}

/// What all items take together.
fn size_of_items(shape: &[isize], itemsize: isize) -> Result<isize, LayoutError> {
    if shape.contains(&0) {
        return Ok(0);
    }
    shape.iter().try_fold(itemsize, |size, &extent| size.checked_mul(extent)).ok_or(LayoutError::TooLarge)
}

/// The strides of items that lie one after the other.
fn fill_strides(shape: &[isize], itemsize: isize, order: Order, strides: &mut [isize]) -> Result<(), LayoutError> {
    let mut next = Some(itemsize);
    let mut step = |axis: usize| {
        strides[axis] = next.ok_or(LayoutError::TooLarge)?;
        next = strides[axis].checked_mul(shape[axis]);
        Ok(())
    };
    match order {
        Order::C => (0..shape.len()).rev().try_for_each(&mut step),
        Order::F => (0..shape.len()).try_for_each(&mut step),
    }?;
    next.map(drop).ok_or(LayoutError::TooLarge)
}

/// Makes sure that every item lies inside the storage.
fn check_bounds(
    shape: &[isize],
    strides: &[isize],
    offset: isize,
    itemsize: isize,
    bytes: isize,
) -> Result<(), LayoutError> {
    if shape.contains(&0) {
        return Ok(());
    }
    let (mut first, mut end) = (offset, offset.checked_add(itemsize).ok_or(LayoutError::TooLarge)?);
    for (&extent, &stride) in shape.iter().zip(strides) {
        let reach = stride.checked_mul(extent - 1).ok_or(LayoutError::TooLarge)?;
        let side = if reach < 0 { &mut first } else { &mut end };
        *side = side.checked_add(reach).ok_or(LayoutError::TooLarge)?;
    }
    if first < 0 || end > bytes {
        return Err(LayoutError::Outside { first, end, bytes });
    }
    Ok(())
}

/// Whether items lie one after the other, last index fastest, and first index fastest.
///
/// No items do so in any order. (memoryview alone looks at the stride of one dimension of 0 items; numpy, and CPython's
/// `PyBuffer_IsContiguous`, do not.)
fn contiguity(shape: &[isize], strides: &[isize], itemsize: isize) -> (bool, bool) {
    if shape.contains(&0) {
        return (true, true);
    }
    let axes = || shape.iter().zip(strides);
    (follow(axes().rev(), itemsize), follow(axes(), itemsize))
}

/// Whether each axis of a non-empty shape, fastest first, steps over just what the ones before reach.
fn follow<'a>(mut axes: impl Iterator<Item = (&'a isize, &'a isize)>, itemsize: isize) -> bool {
    let mut next = itemsize;
    axes.all(|(&extent, &stride)| {
        let fits = extent == 1 || stride == next;
        next *= extent;
        fits
    })
}

/// Whether two items may have bytes in common, so that writing one would write another.
///
/// They have none if each stride steps over all that the smaller ones reach. A layout of which that is not true may still
/// have none, but is taken to.
fn may_overlap(shape: &[isize], strides: &[isize], itemsize: isize) -> bool {
    if shape.contains(&0) {
        return false;
    }
    let mut steps = [(0_usize, 0_isize); MAX_NDIM];
    let mut count = 0;
    for (&extent, &stride) in shape.iter().zip(strides) {
        if extent > 1 {
            steps[count] = (stride.unsigned_abs(), extent);
            count += 1;
        }
    }
    let steps = &mut steps[..count];
    steps.sort_unstable();
    let mut reach = itemsize.cast_unsigned();
    steps.iter().any(|&(stride, extent)| {
        let overlaps = stride < reach;
        reach = reach.saturating_add(stride.saturating_mul((extent - 1).cast_unsigned()));
        overlaps
    })
}
