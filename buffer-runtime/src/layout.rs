//! How items lie in memory: extents and order in, checked shape and strides out.
//!
//! Every product is checked, and the result always describes exactly the items that the storage has: a wrong
//! declaration becomes a [`LayoutError`], never a wild pointer.

mod check;
mod declared;
mod dim;
mod error;
mod overlap;
mod resolve;

use std::ffi::CStr;

use crate::limits::MAX_NDIM;

pub use self::check::{CheckedLayout, Layout};
pub use self::declared::{Declaration, Declared, Item, Numbers};
pub use self::dim::{Dim, Dimension, Dims, Distance, Fixed};
pub use self::error::LayoutError;
pub(crate) use self::overlap::{may_overlap, rows_may_overlap};
pub(crate) use self::resolve::{Memory, contiguity, count_of_numbers, fill_strides, ndim, resolve};

/// In which order the indices of neighbouring items run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The last index runs fastest, as in C.
    C,
    /// The first index runs fastest, as in Fortran.
    F,
}

/// What a class says of its buffer at compile time. Each class has one `static` of it, whose address is its identity.
#[derive(Debug)]
pub struct Descriptor {
    pub(crate) format: &'static CStr,
    /// Size of one item in bytes; never 0.
    pub(crate) itemsize: usize,
    pub(crate) order: Order,
    pub(crate) readonly: bool,
    /// The shape of one element of the storage, which one element of `Vec<[f32; 3]>` has: `[3]`.
    pub(crate) inner: InnerShape,
    /// Whether the shape is the storage's own.
    pub(crate) natural: bool,
}

/// What a request needs to know of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is independent of the others")]
pub(crate) struct Facts {
    pub(crate) ndim: usize,
    pub(crate) c_contiguous: bool,
    pub(crate) f_contiguous: bool,
    pub(crate) readonly: bool,
    /// Whether items are behind pointers, so that strides alone do not lead to them.
    pub(crate) indirect: bool,
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

    /// The shape of an array of `length` of these.
    ///
    /// # Panics
    ///
    /// At compile time, when the arrays nest deeper than the 63 levels which leave room for the storage's own dimension.
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

    /// How many scalars it holds.
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
