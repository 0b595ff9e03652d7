//! How items lie in memory: extents and order in, checked shape and strides out.
//!
//! Every product is checked, and the result always describes exactly the items that the storage has: a wrong
//! declaration becomes a [`LayoutError`], never a wild pointer.

use std::ffi::CStr;
use std::fmt;

use crate::request::Facts;

/// The most dimensions that the buffer protocol allows.
pub(crate) const MAX_NDIM: usize = 64;

/// In which order the indices of neighbouring items run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The last index runs fastest, as in C.
    C,
    /// The first index runs fastest, as in Fortran.
    F,
}

/// One extent of a declared shape, in items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dim {
    /// `_`: whatever the length of the storage leaves.
    Inferred,
    /// A number of items; a negative one is refused when the shape is resolved.
    Extent(isize),
    /// A number that no shape can hold.
    TooLarge,
}

impl Dim {
    /// The extent that an expression in `shape` has.
    #[inline(always)]
    pub fn of<D: Dimension>(extent: D) -> Self {
        extent.into_dim()
    }
}

/// An array of extents.
pub trait DimArray: Copy + AsRef<[Dim]> {
    /// How many there are.
    const LEN: usize;
}

impl<const N: usize> DimArray for [Dim; N] {
    const LEN: usize = N;
}

/// An integer that may be an extent of a shape.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a dimension of a shape",
    label = "not an integer",
    note = "a dimension is an integer of at most 64 bits, or `_`; an expression may use `?` on a `PyResult` of one"
)]
pub trait Dimension: sealed::Sealed + Copy {
    #[doc(hidden)]
    fn into_dim(self) -> Dim;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! dimensions {
    ($($int:ty)*) => {$(
        impl sealed::Sealed for $int {}

        impl Dimension for $int {
            #[inline(always)]
            fn into_dim(self) -> Dim {
                isize::try_from(self).map_or(Dim::TooLarge, Dim::Extent)
            }
        }
    )*};
}

dimensions!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

/// What a class says of its buffer at compile time. Each class has one `static` of it, whose address is its identity.
#[derive(Debug)]
pub struct Descriptor {
    pub(crate) format: &'static CStr,
    /// Size of one item in bytes; never 0.
    pub(crate) itemsize: usize,
    pub(crate) ndim: usize,
    pub(crate) order: Order,
    pub(crate) readonly: bool,
    /// The shape of one element of the storage, which one element of `Vec<[f32; 3]>` has: `[3]`.
    pub(crate) inner: InnerShape,
    /// Whether the shape is the storage's own.
    pub(crate) natural: bool,
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

/// Why a declared shape does not describe the storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LayoutError {
    Negative { axis: usize, extent: isize },
    TooLarge,
    InferredBesideZero,
    Indivisible { items: usize, known: usize },
    Mismatch { items: usize, product: usize },
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Negative { axis, extent } => write!(f, "dimension {axis} of the shape is negative ({extent})"),
            Self::TooLarge => f.write_str("the shape holds more bytes than memory can have"),
            Self::InferredBesideZero => f.write_str(
                "the shape has a dimension of 0 beside `_`, which could then be any number; give every dimension",
            ),
            Self::Indivisible { items, known } => write!(
                f,
                "the declared shape does not fit: the storage has {items} items, which its other dimensions (product {known}) do not divide"
            ),
            Self::Mismatch { items, product } => {
                write!(f, "the declared shape does not fit: it describes {product} items, but the storage has {items}")
            }
        }
    }
}

/// Resolves declared extents against the number of items that there are, and writes the shape and its strides in bytes.
///
/// `shape` and `strides` have the length of `dims`. On an error their contents are unspecified.
pub(crate) fn resolve(
    dims: &[Dim],
    items: usize,
    itemsize: usize,
    order: Order,
    shape: &mut [isize],
    strides: &mut [isize],
) -> Result<(), LayoutError> {
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
                    // Zeros are left out of the product, so that it overflows where the strides below would.
                    known = known.checked_mul(length).ok_or(LayoutError::TooLarge)?;
                }
                shape[axis] = extent;
            }
        }
    }
    match inferred {
        Some(_) if zero => return Err(LayoutError::InferredBesideZero),
        Some(_) if !items.is_multiple_of(known) => return Err(LayoutError::Indivisible { items, known }),
        Some(axis) => shape[axis] = isize::try_from(items / known).map_err(|_| LayoutError::TooLarge)?,
        None => {
            let product = if zero { 0 } else { known };
            if product != items {
                return Err(LayoutError::Mismatch { items, product });
            }
        }
    }
    if known.checked_mul(itemsize).is_none_or(|bytes| isize::try_from(bytes).is_err()) {
        return Err(LayoutError::TooLarge);
    }
    fill_strides(shape, itemsize.cast_signed(), order, strides);
    Ok(())
}

/// The strides of a dense array. The caller has checked that the product of the extents that are not 0 fits.
fn fill_strides(shape: &[isize], itemsize: isize, order: Order, strides: &mut [isize]) {
    let mut stride = itemsize;
    let mut step = |axis: usize| {
        strides[axis] = stride;
        stride *= shape[axis];
    };
    match order {
        Order::C => (0..shape.len()).rev().for_each(&mut step),
        Order::F => (0..shape.len()).for_each(&mut step),
    }
}

/// Whether extents that were resolved before still say the same; `_` says whatever the length says.
#[inline(always)]
pub(crate) fn same_extents(dims: &[Dim], shape: &[isize]) -> bool {
    dims.iter().zip(shape).all(|(dim, &extent)| match *dim {
        Dim::Inferred => true,
        Dim::Extent(declared) => declared == extent,
        Dim::TooLarge => false,
    })
}

/// What requests need to know of a dense layout.
pub(crate) fn facts(shape: &[isize], order: Order, readonly: bool) -> Facts {
    // With at most one extent above 1, or no items at all, both orders describe the same memory.
    let both = shape.contains(&0) || shape.iter().filter(|&&extent| extent > 1).count() <= 1;
    Facts {
        ndim: shape.len(),
        c_contiguous: both || order == Order::C,
        f_contiguous: both || order == Order::F,
        readonly,
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
