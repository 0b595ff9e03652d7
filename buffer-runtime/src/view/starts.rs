//! Rows behind pointers, as described by suboffsets. The pointers are followed once, when a view begins.

use super::rejection::{Contradiction, Rejection};
use super::reported::{Places, check_start};
use super::wanted::Wanted;
use crate::layout::rows_may_overlap;

/// The addresses at which elements start.
pub(super) enum Starts {
    /// One address for all elements.
    One(*mut u8),
    /// One address for each row, in C order of the indices of rows.
    Rows(Box<[*mut u8]>),
}

impl Starts {
    /// Finds and checks the starts. Then each satisfies clauses 3 and 4 of [`Places`] in the place of `buf`, unless
    /// there are no elements.
    ///
    /// # Safety
    ///
    /// `buf` is that of a held view, and `places` are from its checked fields.
    pub(super) unsafe fn find(buf: *mut u8, places: &Places, wanted: Wanted) -> Result<Self, Rejection> {
        if places.suboffsets.is_empty() {
            return Ok(Self::One(buf));
        }
        if places.len == 0 {
            return Ok(Self::Rows(Box::default()));
        }
        if buf.is_null() {
            return Err(Contradiction::NullBuf.into());
        }
        let mut starts = vec![buf];
        for ((&extent, &stride), &suboffset) in places.shape.iter().zip(&places.strides).zip(&places.suboffsets) {
            let mut next = Vec::new();
            let rows = starts.len().checked_mul(extent.cast_unsigned()).ok_or(Rejection::NoRoom)?;
            next.try_reserve_exact(rows).map_err(|_| Rejection::NoRoom)?;
            for start in starts {
                for index in 0..extent {
                    let at = start.wrapping_byte_offset(stride.wrapping_mul(index));
                    if suboffset < 0 {
                        next.push(at);
                        continue;
                    }
                    // SAFETY: an exporter has a pointer at each index of a dimension with a suboffset. The pointer may
                    // be unaligned, and is not written while the view is held.
                    let row = unsafe { at.cast::<*mut u8>().read_unaligned() };
                    if row.is_null() {
                        return Err(Contradiction::NullRow { row: next.len() }.into());
                    }
                    next.push(row.wrapping_byte_offset(suboffset));
                }
            }
            starts = next;
        }
        starts.iter().try_for_each(|&start| check_start(start, places.reach, wanted))?;
        Ok(Self::Rows(starts.into_boxed_slice()))
    }

    pub(super) fn as_slice(&self) -> &[*mut u8] {
        match self {
            Self::One(start) => std::slice::from_ref(start),
            Self::Rows(starts) => starts,
        }
    }

    /// Whether elements of different rows may have bytes in common.
    #[inline]
    pub(super) fn may_overlap(&self, places: &Places, wanted: Wanted) -> bool {
        let depth = places.suboffsets.len();
        let (shape, strides) = (&places.shape[depth..], &places.strides[depth..]);
        rows_may_overlap(shape, strides, wanted.size.cast_signed(), self.as_slice())
    }
}
