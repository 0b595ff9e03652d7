//! From a class's declaration to checked shape, offset and strides.
//!
//! The numbers are in one array: the extents, then the strides in bytes, then the suboffsets if there are any. A
//! declaration with a number of dimensions known at compile time corresponds to a prefix of the array and to the
//! offset, so comparing these shows whether a resolved layout is still valid.

use super::overlap::may_overlap;
use super::{Declaration, Descriptor, Dim, Distance, Facts, LayoutError, Order};
use crate::limits::MAX_NDIM;

/// The size of the pointer to a row, in bytes.
const POINTER: isize = size_of::<*const u8>().cast_signed();

/// The size of a storage at the time when a layout is resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    /// The number of elements, or of rows if rows are allocated one by one.
    pub(crate) len: usize,
    /// The number of elements of one row; `None` if the storage has no separate rows.
    pub(crate) row_len: Option<usize>,
}

/// A resolved layout, without the numbers in its array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resolved {
    pub(crate) ndim: usize,
    /// The size of one item, in bytes.
    pub(crate) itemsize: isize,
    /// Where the item with all indices 0 is, in bytes from the start of the storage.
    pub(crate) offset: usize,
    /// The size of all items together, in bytes.
    pub(crate) nbytes: isize,
    pub(crate) facts: Facts,
}

/// How many dimensions a declaration has.
pub(crate) fn ndim(descriptor: &Descriptor, memory: Memory, declared: &Declaration<'_>) -> Result<usize, LayoutError> {
    if declared.is_incomplete {
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

/// The length of the array of numbers for this many dimensions.
pub(crate) const fn count_of_numbers(ndim: usize, indirect: bool) -> usize {
    if indirect { 3 * ndim } else { 2 * ndim }
}

/// Resolves a declaration of `ndim` dimensions against a storage, and writes shape, strides and suboffsets into
/// `arrays`, whose length must be [`count_of_numbers`]. After an error the contents of `arrays` are unspecified.
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
    let (strides, suboffsets) = rest.split_at_mut(ndim);

    let offset = declared.offset.map_or(Ok(0), bytes_in)?;
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
        // Separate rows are always in C order: each row is contiguous.
        let order = if indirect { Order::C } else { descriptor.order };
        fill_strides(shape, whole.itemsize, order, strides)?;
    }
    if indirect {
        // Each row is behind its own pointer. No bounds check is needed: `own_dims` used the length of the rows.
        strides[0] = POINTER;
        suboffsets.fill(-1);
        suboffsets[0] = 0;
    } else {
        check_bounds(shape, strides, offset, whole.itemsize, bytes)?;
    }

    let (c_contiguous, f_contiguous) =
        if indirect { (false, false) } else { contiguity(shape, strides, whole.itemsize) };
    // Only declared strides can make items overlap.
    let overlaps = declared.strides.is_some() && may_overlap(shape, strides, whole.itemsize);
    let readonly = descriptor.readonly || declared.readonly || overlaps;
    Ok(Resolved {
        ndim,
        itemsize: whole.itemsize,
        offset: offset.cast_unsigned(),
        nbytes,
        facts: Facts { c_contiguous, f_contiguous, readonly, indirect },
    })
}

/// The size of this many elements, in bytes.
fn bytes_of(descriptor: &Descriptor, elements: usize) -> Result<isize, LayoutError> {
    let items = elements.checked_mul(descriptor.inner.scalars());
    let bytes = items.and_then(|items| items.checked_mul(descriptor.itemsize));
    bytes.and_then(|bytes| isize::try_from(bytes).ok()).ok_or(LayoutError::TooLarge)
}

/// The size of the whole storage and of one item, in bytes.
struct Whole {
    itemsize: isize,
    bytes: isize,
}

impl Whole {
    /// Writes the shape of items that lie one after the other. With `fill`, the items must fill the storage exactly.
    /// Without it, the memory behind the offset may be larger than the items, unless one extent is inferred from it.
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

/// The storage's own shape: the length, or the number of rows and their length, followed by the extents of one element.
/// With a declared item, the last part is instead the number of items that the bytes of the storage, or of one row,
/// contain.
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

/// Writes the shape, with one extent inferred from `items` if there is a `_`. Returns the number of items of the shape.
fn resolve_extents(dims: &[Dim], shape: &mut [isize], items: usize) -> Result<usize, LayoutError> {
    let mut known: usize = 1;
    let mut zero = false;
    let mut inferred = None;
    for (axis, dim) in dims.iter().enumerate() {
        let length = match *dim {
            Dim::Inferred => {
                inferred = Some(axis);
                continue;
            }
            Dim::TooLarge => return Err(LayoutError::TooLarge),
            Dim::Extent(extent) => usize::try_from(extent).map_err(|_| LayoutError::Negative { axis, extent })?,
            Dim::Length(length) => length,
        };
        shape[axis] = isize::try_from(length).map_err(|_| LayoutError::TooLarge)?;
        if length == 0 {
            zero = true;
        } else {
            // The product excludes zeros, so that it overflows whenever the strides of dense items would.
            known = known.checked_mul(length).ok_or(LayoutError::TooLarge)?;
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

/// The size of all items together, in bytes. If an extent is 0, the size is 0, but the product of the other extents
/// must still not overflow: so success does not depend on which extent is 0, nor on the order in which strides are
/// computed.
pub(super) fn size_of_items(shape: &[isize], itemsize: isize) -> Result<isize, LayoutError> {
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

/// Checks that every item lies inside the storage.
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

/// Whether items lie one after the other in C order, and whether in Fortran order.
///
/// The caller has checked that the size of all items does not overflow. A layout without items is contiguous in both
/// orders. (Only memoryview considers the stride of one dimension with 0 items; numpy, and CPython's
/// `PyBuffer_IsContiguous`, do not.)
pub(crate) fn contiguity(shape: &[isize], strides: &[isize], itemsize: isize) -> (bool, bool) {
    if shape.contains(&0) {
        return (true, true);
    }
    let axes = || shape.iter().zip(strides);
    (follow(axes().rev(), itemsize), follow(axes(), itemsize))
}

/// Whether the stride of each axis of a non-empty shape, fastest axis first, is the size of all items along the axes
/// before it.
fn follow<'a>(mut axes: impl Iterator<Item = (&'a isize, &'a isize)>, itemsize: isize) -> bool {
    let mut next = itemsize;
    axes.all(|(&extent, &stride)| {
        let fits = extent == 1 || stride == next;
        next *= extent;
        fits
    })
}
