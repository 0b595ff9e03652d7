//! The fields that an exporter reports for its buffer, checked before any of the memory is accessed.
//!
//! No pointer is followed here. Fields that pass describe memory that an exporter could have: no number contradicts
//! another, every size is computed without overflow, every address is inside the address space and aligned. Only the
//! exporter can ensure that the memory exists.

use std::ffi::{CStr, c_int};

use super::item;
use super::rejection::{Contradiction, Rejection};
use super::wanted::Wanted;
use crate::layout::{Order, contiguity, fill_strides, may_overlap};

/// The fields of a `Py_buffer`, unchecked. NULL is `None`.
pub(super) struct Reported<'a> {
    pub(super) buf: *mut u8,
    /// Whether `obj` is set: the object that keeps the memory.
    pub(super) owned: bool,
    pub(super) len: isize,
    pub(super) itemsize: isize,
    pub(super) ndim: c_int,
    pub(super) format: Option<&'a CStr>,
    /// `None` if `ndim` is not a valid number of dimensions.
    pub(super) arrays: Option<Arrays>,
}

/// The arrays of `ndim` numbers.
pub(super) struct Arrays {
    pub(super) shape: Option<Vec<isize>>,
    pub(super) strides: Option<Vec<isize>>,
    pub(super) suboffsets: Option<Vec<isize>>,
}

/// Where the elements are, checked.
///
/// 1. `shape` and `strides` have the same length; no extent is negative, and `len` is their product.
/// 2. `suboffsets` are those of the leading dimensions, up to the last one that has pointers. It is empty if no
///    dimension has pointers.
/// 3. Unless `len` is 0: relative to the address at which the dimensions after `suboffsets` start, every element lies
///    within `reach` (bytes before and after, the element's own size included), at a multiple of the alignment.
/// 4. Unless `len` is 0 or there are suboffsets: `buf` is not NULL and is aligned, and `reach` around it is inside the
///    address space.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) shape: Vec<isize>,
    /// In bytes.
    pub(super) strides: Vec<isize>,
    pub(super) suboffsets: Vec<isize>,
    pub(super) len: usize,
    pub(super) reach: Reach,
    pub(super) c_contiguous: bool,
    pub(super) f_contiguous: bool,
}

impl Places {
    /// Whether two elements may have bytes in common. If there are suboffsets: two elements behind the same pointer.
    pub(super) fn may_overlap(&self, wanted: Wanted) -> bool {
        let depth = self.suboffsets.len();
        self.len > 0 && may_overlap(&self.shape[depth..], &self.strides[depth..], wanted.size.cast_signed())
    }
}

/// How far elements extend around the address where they start, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    pub(super) before: usize,
    pub(super) after: usize,
}

impl Reach {
    /// The lowest address and the end, if all bytes are inside the address space.
    pub(super) fn around(self, start: *mut u8) -> Option<(usize, usize)> {
        let first = start.addr().checked_sub(self.before).filter(|&first| first > 0)?;
        Some((first, start.addr().checked_add(self.after)?))
    }
}

impl Reported<'_> {
    /// The lowest address and the end of all items. `None` if rows are behind pointers, or if the fields make no sense.
    pub(super) fn span(&self) -> Option<(usize, usize)> {
        let Arrays { shape, strides, suboffsets } = self.arrays.as_ref()?;
        if suboffsets.iter().flatten().any(|&suboffset| suboffset >= 0) {
            return None;
        }
        let reach = match (shape, strides) {
            (Some(shape), Some(strides)) if self.len > 0 => reach_of(shape, strides, self.itemsize.cast_unsigned())?,
            _ => Reach { before: 0, after: usize::try_from(self.len).ok()? },
        };
        reach.around(self.buf)
    }

    /// Checks the fields against each other and against the wanted element.
    pub(super) fn check(self, wanted: Wanted) -> Result<Places, Rejection> {
        let in_item = item::check(self.format, self.itemsize, wanted)?;
        let Some(Arrays { shape, strides, suboffsets }) = self.arrays else {
            return Err(Contradiction::Ndim(self.ndim).into());
        };
        if !self.owned {
            return Err(Contradiction::NoOwner.into());
        }
        let itemsize = self.itemsize;
        let mut shape = match (shape, self.ndim) {
            (Some(shape), _) => shape,
            (None, 0) => Vec::new(),
            (None, 1) => vec![items(self.len, itemsize)?],
            (None, ndim) => return Err(Contradiction::NoShape { ndim }.into()),
        };
        check_len(&shape, itemsize, self.len)?;
        let mut strides = strides.map_or_else(|| c_order(&shape, itemsize), Ok)?;
        let mut suboffsets = suboffsets.unwrap_or_default();
        end_at_pointers(&mut suboffsets);

        take_element(&mut shape, &mut strides, suboffsets.len(), in_item, wanted, itemsize)?;
        // They are more than the dimensions only if there are no elements, and then there is nothing behind the
        // pointers.
        suboffsets.truncate(shape.len());
        end_at_pointers(&mut suboffsets);
        let depth = suboffsets.len();
        let empty = shape.contains(&0);
        let (inner_shape, inner_strides) = (&shape[depth..], &strides[depth..]);
        let mut reach = Reach { before: 0, after: 0 };
        if !empty {
            check_alignment(&shape, &strides, depth, wanted)?;
            reach = reach_of(inner_shape, inner_strides, wanted.size).ok_or(Contradiction::TooLarge)?;
            if depth == 0 {
                check_start(self.buf, reach, wanted)?;
            }
        }
        let size = wanted.size.cast_signed();
        let (c_contiguous, f_contiguous) = if depth == 0 { contiguity(&shape, &strides, size) } else { (empty, empty) };
        // No extent is negative, and `check_len` has checked that the product does not overflow.
        let len = if empty { 0 } else { shape.iter().product::<isize>().cast_unsigned() };
        Ok(Places { shape, strides, suboffsets, len, reach, c_contiguous, f_contiguous })
    }
}

/// The number of items in `len` bytes.
fn items(len: isize, itemsize: isize) -> Result<isize, Rejection> {
    // `item::check` has checked that `itemsize` is not 0.
    if len < 0 || len % itemsize != 0 {
        return Err(Contradiction::PartialItem { len, itemsize }.into());
    }
    Ok(len / itemsize)
}

/// The strides of items that are contiguous in C order, which is the meaning of NULL strides.
fn c_order(shape: &[isize], itemsize: isize) -> Result<Vec<isize>, Rejection> {
    let mut strides = vec![0; shape.len()];
    fill_strides(shape, itemsize, Order::C, &mut strides).map_err(|_| Contradiction::TooLarge)?;
    Ok(strides)
}

fn check_len(shape: &[isize], itemsize: isize, len: isize) -> Result<(), Rejection> {
    if let Some((axis, &extent)) = shape.iter().enumerate().find(|&(_, &extent)| extent < 0) {
        return Err(Contradiction::NegativeExtent { axis, extent }.into());
    }
    let bytes = if shape.contains(&0) {
        0
    } else {
        shape.iter().try_fold(itemsize, |bytes, &extent| bytes.checked_mul(extent)).ok_or(Contradiction::TooLarge)?
    };
    if bytes != len {
        return Err(Contradiction::Len { len, shape: shape.to_vec(), itemsize, bytes }.into());
    }
    Ok(())
}

/// Removes the suboffsets after the last dimension that has pointers.
fn end_at_pointers(suboffsets: &mut Vec<isize>) {
    suboffsets.truncate(suboffsets.iter().rposition(|&suboffset| suboffset >= 0).map_or(0, |last| last + 1));
}

/// Strips the element's own trailing dimensions from the shape, except those that are in the item's format.
fn take_element(
    shape: &mut Vec<isize>,
    strides: &mut Vec<isize>,
    depth: usize,
    in_item: usize,
    wanted: Wanted,
    itemsize: isize,
) -> Result<(), Rejection> {
    let extents = wanted.shape.extents();
    let extents = &extents[..extents.len() - in_item];
    let ndim = shape.len().checked_sub(extents.len());
    let Some(ndim) =
        ndim.filter(|&ndim| shape[ndim..].iter().map(|extent| extent.cast_unsigned()).eq(extents.iter().copied()))
    else {
        return Err(Rejection::ElementShape { wanted, extents: extents.to_vec(), shape: shape.clone() });
    };
    let together = contiguity(&shape[ndim..], &strides[ndim..], itemsize).0 && depth <= ndim;
    if !together && !shape.contains(&0) {
        return Err(Rejection::ScatteredElement { wanted });
    }
    shape.truncate(ndim);
    strides.truncate(ndim);
    Ok(())
}

/// Checks the strides between elements, not those between pointers.
fn check_alignment(shape: &[isize], strides: &[isize], depth: usize, wanted: Wanted) -> Result<(), Rejection> {
    let mut dimensions = shape.iter().zip(strides).enumerate().skip(depth);
    match dimensions.find(|&(_, (&extent, &stride))| extent > 1 && !stride.unsigned_abs().is_multiple_of(wanted.align))
    {
        Some((axis, (_, &stride))) => Err(Rejection::MisalignedStride { wanted, axis, stride }),
        None => Ok(()),
    }
}

/// Checks an address at which elements start.
pub(super) fn check_start(start: *mut u8, reach: Reach, wanted: Wanted) -> Result<(), Rejection> {
    if start.is_null() {
        return Err(Contradiction::NullBuf.into());
    }
    if !start.addr().is_multiple_of(wanted.align) {
        return Err(Rejection::Misaligned { wanted });
    }
    reach.around(start).map(drop).ok_or_else(|| Contradiction::TooLarge.into())
}

/// `None` if elements extend over more bytes than memory can have. No extent is 0.
fn reach_of(shape: &[isize], strides: &[isize], size: usize) -> Option<Reach> {
    let mut reach = Reach { before: 0, after: size };
    for (&extent, &stride) in shape.iter().zip(strides) {
        let distance = stride.checked_mul(extent - 1)?;
        let end = if distance < 0 { &mut reach.before } else { &mut reach.after };
        *end = end.checked_add(distance.unsigned_abs()).filter(|&bytes| isize::try_from(bytes).is_ok())?;
    }
    Some(reach)
}
