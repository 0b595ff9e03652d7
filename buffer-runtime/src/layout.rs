//! How items lie in memory: resolves a declaration into a checked shape, offset and strides.
//!
//! Every product is checked, and every item of a resolved layout lies inside the storage: a wrong declaration becomes a
//! [`LayoutError`], never a wild pointer. A layout without declared offset and strides describes exactly the items of
//! the storage. With an offset or strides, a layout may omit items of the storage. With strides, items may also
//! overlap; such a layout is read-only.

mod check;
mod declared;
mod dim;
mod error;
mod few;
mod formatted;
mod overlap;
mod resolve;
mod select;

use std::ffi::CStr;

use crate::limits::MAX_NDIM;

pub use self::check::{CheckedLayout, Layout};
pub use self::declared::{Declaration, Declared, Item, Numbers};
pub(crate) use self::dim::sealed::Evaluated as SealedEvaluated;
pub use self::dim::{Dim, Dimension, Distance, Evaluated, Fixed};
pub use self::error::LayoutError;
pub use self::few::Few;
pub(crate) use self::formatted::FormatRefused;
#[cfg(feature = "format")]
pub use self::formatted::FormatText;
#[cfg(not(feature = "format"))]
pub use self::formatted::NeedsFeature;
pub use self::formatted::{Parsed, Unparsed};
pub(crate) use self::overlap::{may_overlap, rows_may_overlap};
pub(crate) use self::resolve::{Memory, contiguity, count_of_numbers, fill_strides, ndim, resolve};

/// Which index varies fastest from one item in memory to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The last index varies fastest, as in C.
    C,
    /// The first index varies fastest, as in Fortran.
    F,
}

/// The part of a class's declaration that is known at compile time. Each class has one `static` descriptor, and the
/// address of the `static` identifies the declaration.
#[derive(Debug)]
pub struct Descriptor {
    pub(crate) format: &'static CStr,
    /// Size of one item in bytes; never 0.
    pub(crate) itemsize: usize,
    pub(crate) order: Order,
    pub(crate) readonly: bool,
    /// The shape of one element of the storage: `[3]` for a `Vec<[f32; 3]>`.
    pub(crate) inner: &'static InnerShape,
    /// Whether the class declares no shape, so that the storage's own shape applies.
    pub(crate) natural: bool,
}

/// The properties of a layout that decide how a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is independent of the others")]
pub(crate) struct Facts {
    pub(crate) c_contiguous: bool,
    pub(crate) f_contiguous: bool,
    pub(crate) readonly: bool,
    /// Whether items are behind pointers, so that a consumer needs suboffsets to find them.
    pub(crate) indirect: bool,
}

impl Facts {
    /// The facts in one number. Each fact is in a byte of its own, so that the conversion takes few instructions. Only
    /// the second bit of a byte is ever 1, so the lowest bit of the number is 0.
    pub(crate) fn to_bits(self) -> u32 {
        let Self { c_contiguous, f_contiguous, readonly, indirect } = self;
        u32::from_le_bytes([c_contiguous, f_contiguous, readonly, indirect].map(u8::from)) << 1
    }

    /// The inverse of [`to_bits`](Self::to_bits). Other bits are ignored.
    pub(crate) fn from_bits(bits: u32) -> Self {
        let bytes = (bits >> 1 & 0x0101_0101).to_le_bytes();
        let [c_contiguous, f_contiguous, readonly, indirect] = bytes.map(|fact| fact != 0);
        Self { c_contiguous, f_contiguous, readonly, indirect }
    }
}

/// The extents of nested arrays, outermost first, known at compile time.
#[derive(Debug, Clone, Copy)]
pub struct InnerShape {
    extents: [usize; MAX_NDIM],
    ndim: usize,
}

impl InnerShape {
    /// The shape of a scalar: no extents.
    pub const SCALAR: Self = Self { extents: [0; MAX_NDIM], ndim: 0 };

    /// The shape of an array of `length` elements of this shape.
    ///
    /// # Panics
    ///
    /// At compile time, when the arrays nest deeper than 63 levels. The 64th dimension is the storage's own.
    #[must_use]
    pub const fn nested_in(self, length: usize) -> Self {
        assert!(self.ndim + 1 < MAX_NDIM, "arrays nest too deeply for the 64 dimensions of a buffer");
        let mut extents = [0; MAX_NDIM];
        extents[0] = length;
        let mut axis = 0;
        while axis < self.ndim {
            extents[axis + 1] = self.extents[axis];
            axis += 1;
        }
        Self { extents, ndim: self.ndim + 1 }
    }

    /// The extents, outermost first.
    pub const fn extents(&self) -> &[usize] {
        self.extents.split_at(self.ndim).0
    }

    /// The number of scalars in one element.
    pub const fn scalars(&self) -> usize {
        let mut product = 1;
        let mut axis = 0;
        while axis < self.ndim {
            product *= self.extents[axis];
            axis += 1;
        }
        product
    }
}

#[cfg(test)]
mod tests;
