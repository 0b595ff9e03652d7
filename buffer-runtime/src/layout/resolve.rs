//! From what a class declares to checked shape, offset and strides.
//!
//! The numbers stand in one array: the extents, then the offset in bytes, then the strides in bytes, then the suboffsets if
//! there are any. Each declaration of a class that is known at compile time is a prefix of it, so that comparing the prefix
//! tells whether a layout still holds.

use super::overlap::may_overlap;
use super::{Declaration, Descriptor, Dim, Distance, Facts, LayoutError, Order};
use crate::limits::MAX_NDIM;

/// The size of what leads to a row.
const POINTER: isize = size_of::<*const u8>().cast_signed();

/// The memory of a storage, as it is when a layout is resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    /// How many elements it has, or how many rows.
    pub(crate) len: usize,
    /// How many elements one row has, where rows are allocated one by one.
    pub(crate) row_len: Option<usize>,
}

/// What follows from the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resolved {
    pub(crate) ndim: usize,
    /// Of one item, in bytes.
    pub(crate) itemsize: isize,
    /// Where the item with all indices 0 is, in bytes from the start of the storage.
    pub(crate) offset: usize,
    /// The size of all items together, in bytes.
    pub(crate) nbytes: isize,
    pub(crate) facts: Facts,
}

/// How many dimensions a declaration has.
pub(crate) fn ndim(descriptor: &Descriptor, memory: Memory, declared: &Declaration<'_>) -> Result<usize, LayoutError> {
    if declared.out_of_memory {
        return Err(LayoutError::OutOfMemory);
    }
    let ndim = if let Some(extents) = declared.extents {
        extents.len()
    } else {
        let inner = if declared.item.is_some() { 0 } else { descriptor.inner.extents().len() };
        inner + if memory.row_len.is_some() { 2 } else { 1 }
    };
    if ndim > MAX_NDIM { Err(LayoutError::TooManyDimensions { ndim }) } else { Ok(ndim) }
}

/// How many numbers a layout of so many dimensions is.
pub(crate) fn count_of_numbers(ndim: usize) -> usize {
    3 * ndim + 1
}

/// Resolves a declaration of `ndim` dimensions against a storage, and writes shape, offset, strides and suboffsets into
/// `arrays`, which has just the room for them. On an error their contents are unspecified.
pub(crate) fn resolve(
    descriptor: &Descriptor,
    memory: Memory,
    declared: &Declaration<'_>,
    arrays: &mut [isize],
) -> Result<Resolved, LayoutError> {
    let indirect = memory.row_len.is_some();
    if indirect && (declared.extents.is_some() || declared.offset.is_some() || declared.strides.is_some()) {
        return Err(LayoutError::OverRows);
    }
    let elements = memory.len.checked_mul(memory.row_len.unwrap_or(1)).ok_or(LayoutError::TooLarge)?;
    let bytes = bytes_of(descriptor, elements)?;
    let itemsize = declared.item.map_or(descriptor.itemsize, |item| item.itemsize);
    if itemsize == 0 {
        return Err(LayoutError::EmptyItem);
    }
    let mut own = [Dim::Inferred; MAX_NDIM];
    let (extents, dense) = match declared.extents {
        Some(extents) => (extents, declared.offset.is_none()),
        None => (own_dims(descriptor, memory, declared, &mut own)?, true),
    };
    let ndim = extents.len();
    let whole = Whole { itemsize: isize::try_from(itemsize).map_err(|_| LayoutError::TooLarge)?, bytes };
    let (shape, rest) = arrays.split_at_mut(ndim);
    let (offset, rest) = rest.split_at_mut(1);
    let (strides, suboffsets) = rest.split_at_mut(ndim);

    offset[0] = declared.offset.map_or(Ok(0), bytes_in)?;
    let offset = offset[0];
    if offset < 0 || offset > bytes {
        return Err(LayoutError::OffsetOutside { offset, bytes });
    }
    if let Some(declared) = declared.strides {
        if declared.len() != ndim {
            return Err(LayoutError::StridesMismatch { strides: declared.len(), ndim });
        }
        resolve_extents(extents, shape, 0)?;
        for (stride, &declared) in strides.iter_mut().zip(declared) {
            *stride = bytes_in(declared)?;
        }
    } else {
        whole.resolve_dense(extents, shape, offset, dense)?;
    }
    let nbytes = size_of_items(shape, whole.itemsize)?;
    if declared.strides.is_none() {
        // A row is in one piece, whatever the order of the rest.
        let order = if indirect { Order::C } else { descriptor.order };
        fill_strides(shape, whole.itemsize, order, strides)?;
    }
    if indirect {
        // A row each behind a pointer of its own, and all of it inside the row: `own_dims` has the row's own length.
        strides[0] = POINTER;
        suboffsets.fill(-1);
        suboffsets[0] = 0;
    } else {
        check_bounds(shape, strides, offset, whole.itemsize, bytes)?;
    }

    let (c_contiguous, f_contiguous) =
        if indirect { (false, false) } else { contiguity(shape, strides, whole.itemsize) };
    // Only strides that were declared can lead to a byte twice.
    let overlaps = declared.strides.is_some() && may_overlap(shape, strides, whole.itemsize);
    let readonly = descriptor.readonly || declared.readonly || overlaps;
    Ok(Resolved {
        ndim,
        itemsize: whole.itemsize,
        offset: offset.cast_unsigned(),
        nbytes,
        facts: Facts { ndim, c_contiguous, f_contiguous, readonly, indirect },
    })
}

/// How many bytes so many elements take.
fn bytes_of(descriptor: &Descriptor, elements: usize) -> Result<isize, LayoutError> {
    let items = elements.checked_mul(descriptor.inner.scalars());
    let bytes = items.and_then(|items| items.checked_mul(descriptor.itemsize));
    bytes.and_then(|bytes| isize::try_from(bytes).ok()).ok_or(LayoutError::TooLarge)
}

/// All of a storage, as items.
struct Whole {
    itemsize: isize,
    bytes: isize,
}

impl Whole {
    /// Writes the shape of items that lie one after the other. `fill` says that they are to leave nothing over; else what
    /// is behind the offset may hold more than the items, unless one extent is to be whatever is left.
    fn resolve_dense(
        &self,
        extents: &[Dim],
        shape: &mut [isize],
        offset: isize,
        fill: bool,
    ) -> Result<(), LayoutError> {
        let left = self.bytes - offset;
        let inferred = extents.contains(&Dim::Inferred);
        if (fill || inferred) && left % self.itemsize != 0 {
            return Err(LayoutError::PartialItem { bytes: left, itemsize: self.itemsize.cast_unsigned() });
        }
        let items = (left / self.itemsize).cast_unsigned();
        let product = resolve_extents(extents, shape, items)?;
        if fill && product != items {
            return Err(LayoutError::Mismatch { items, product });
        }
        Ok(())
    }
}

/// The storage's own shape: its length, or its rows and their length, and then the extents of one element; or however many
/// items its bytes are.
fn own_dims<'a>(
    descriptor: &Descriptor,
    memory: Memory,
    declared: &Declaration<'_>,
    dims: &'a mut [Dim; MAX_NDIM],
) -> Result<&'a [Dim], LayoutError> {
    let (mut ndim, mut last) = (0, memory.len);
    let mut push = |length| {
        dims[ndim] = Dim::of(length);
        ndim += 1;
    };
    if let Some(row_len) = memory.row_len {
        push(memory.len);
        last = row_len;
    }
    if let Some(item) = declared.item {
        let bytes = bytes_of(descriptor, last)?;
        if !bytes.cast_unsigned().is_multiple_of(item.itemsize) {
            return Err(LayoutError::PartialItem { bytes, itemsize: item.itemsize });
        }
        push(bytes.cast_unsigned() / item.itemsize);
    } else {
        push(last);
        descriptor.inner.extents().iter().copied().for_each(&mut push);
    }
    Ok(&dims[..ndim])
}

fn bytes_in(distance: Distance) -> Result<isize, LayoutError> {
    match distance {
        Distance::Bytes(bytes) => Ok(bytes),
        Distance::TooLarge => Err(LayoutError::TooLarge),
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

/// What all items take together. Where there are none, because an extent is 0, what the others would take is still to be
/// a size: so the answer does not depend on which extent that is, nor on the order in which strides are computed.
fn size_of_items(shape: &[isize], itemsize: isize) -> Result<isize, LayoutError> {
    let mut extents = shape.iter().filter(|&&extent| extent != 0);
    let size = extents.try_fold(itemsize, |size, &extent| size.checked_mul(extent)).ok_or(LayoutError::TooLarge)?;
    Ok(if shape.contains(&0) { 0 } else { size })
}

/// The strides of items that lie one after the other.
pub(crate) fn fill_strides(
    shape: &[isize],
    itemsize: isize,
    order: Order,
    strides: &mut [isize],
) -> Result<(), LayoutError> {
    let mut next = Some(itemsize);
    let mut step = |axis: usize| {
        strides[axis] = next.ok_or(LayoutError::TooLarge)?;
        next = strides[axis].checked_mul(shape[axis]);
        Ok::<(), LayoutError>(())
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
/// The size of all items must not overflow. No items do so in any order. (memoryview alone looks at the stride of one
/// dimension of 0 items; numpy, and CPython's `PyBuffer_IsContiguous`, do not.)
pub(crate) fn contiguity(shape: &[isize], strides: &[isize], itemsize: isize) -> (bool, bool) {
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
