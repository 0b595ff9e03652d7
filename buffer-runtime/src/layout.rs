//! How items lie in memory: extents and order in, checked shape and strides out.
//!
//! Every product is checked, and the result always describes exactly the items that the storage has: a wrong
//! declaration becomes a [`LayoutError`], never a wild pointer.

mod resolve;

use std::ffi::CStr;
use std::fmt;

pub(crate) use self::resolve::resolve;

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

/// What a class declares of where its items lie, beyond their shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// They fill the storage.
    Dense,
    /// They lie one after the other from an offset on.
    Offset,
    /// They lie at an offset and at multiples of strides.
    Strided,
}

impl Placement {
    /// How many dimensions a declaration of `len` numbers has: the extents, then the offset, then the strides.
    pub(crate) const fn ndim(self, len: usize) -> usize {
        match self {
            Self::Dense => len,
            Self::Offset => len - 1,
            Self::Strided => (len - 1) / 2,
        }
    }
}

/// One extent of a declared shape, in items; or an offset or a stride, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dim {
    /// `_`: whatever the length of the storage leaves.
    Inferred,
    /// The number that was declared; a negative number of items is refused when the layout is resolved.
    Extent(isize),
    /// A number that no layout can hold.
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
    message = "`{Self}` cannot be a dimension, a stride or an offset",
    label = "not an integer",
    note = "write an integer of at most 64 bits; an expression may use `?` on a `PyResult` of one"
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
    pub(crate) placement: Placement,
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
    OffsetOutside { offset: isize, bytes: isize },
    Outside { first: isize, end: isize, bytes: isize },
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
            Self::OffsetOutside { offset, bytes } => {
                write!(f, "the declared offset of {offset} bytes is outside the storage, which has {bytes} bytes")
            }
            Self::Outside { first, end, bytes } => write!(
                f,
                "the declared items reach from byte {first} to byte {end} of a storage that has {bytes} bytes; check the \
                 shape, the strides and the offset"
            ),
        }
    }
}

/// Whether numbers that were resolved before are still declared; `_` says whatever the length says.
#[inline(always)]
pub(crate) fn same_numbers(dims: &[Dim], arrays: &[isize]) -> bool {
    dims.iter().zip(arrays).all(|(dim, &number)| match *dim {
        Dim::Inferred => true,
        Dim::Extent(declared) => declared == number,
        Dim::TooLarge => false,
    })
}

#[cfg(all(test, not(loom)))]
mod tests;
