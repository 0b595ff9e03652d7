//! Why a declared layout does not describe its storage.

use std::fmt;

use crate::limits::MAX_NDIM;
use crate::memory::NoMemory;

/// Why a shape, strides and an offset do not describe the memory that they are declared over.
///
/// The message names the wrong numbers and says what to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayoutError {
    /// An extent is below 0.
    #[non_exhaustive]
    Negative {
        /// The index of the dimension, from 0.
        axis: usize,
        /// The declared extent, in items.
        extent: isize,
    },
    /// The numbers describe more bytes than an address space has.
    TooLarge,
    /// There are more than 64 dimensions.
    #[non_exhaustive]
    TooManyDimensions {
        /// How many there are.
        ndim: usize,
    },
    /// The number of strides is not the number of dimensions.
    #[non_exhaustive]
    StridesMismatch {
        /// How many strides there are.
        strides: usize,
        /// How many dimensions the shape has.
        ndim: usize,
    },
    /// There are strides, but no shape.
    StridesWithoutShape,
    /// An extent of 0 stands beside `_`.
    InferredBesideZero,
    /// The product of the extents beside `_` does not divide the number of items.
    #[non_exhaustive]
    Indivisible {
        /// How many items the storage has.
        items: usize,
        /// The product of the extents that are not `_`.
        known: usize,
    },
    /// An item has 0 bytes.
    EmptyItem,
    /// The memory does not end at the end of an item.
    #[non_exhaustive]
    PartialItem {
        /// The size in bytes of the memory that should be divided into items.
        bytes: isize,
        /// The size of one item in bytes.
        itemsize: usize,
    },
    /// The shape has more or fewer items than the memory, which it must fill exactly.
    #[non_exhaustive]
    Mismatch {
        /// How many items the storage has.
        items: usize,
        /// How many items the shape has.
        product: usize,
    },
    /// The offset is negative, or behind the end of the storage.
    #[non_exhaustive]
    OffsetOutside {
        /// The declared offset, in bytes.
        offset: isize,
        /// The size of the storage in bytes.
        bytes: isize,
    },
    /// Some item is outside the storage.
    #[non_exhaustive]
    Outside {
        /// Where the lowest item begins, in bytes from the start of the storage.
        first: isize,
        /// Where the highest item ends, in bytes from the start of the storage.
        end: isize,
        /// The size of the storage in bytes.
        bytes: isize,
    },
    /// There is no such axis.
    #[non_exhaustive]
    NoAxis {
        /// The axis, from 0.
        axis: usize,
        /// How many dimensions there are.
        ndim: usize,
    },
    /// There is no such index along the axis.
    #[non_exhaustive]
    IndexOutside {
        /// The axis, from 0.
        axis: usize,
        /// The index, from 0.
        index: usize,
        /// How many items the axis has.
        extent: usize,
    },
    /// A range of indices leaves the axis, or ends before it begins.
    #[non_exhaustive]
    RangeOutside {
        /// The axis, from 0.
        axis: usize,
        /// The first index of the range.
        start: usize,
        /// The index after the last one.
        end: usize,
        /// How many items the axis has.
        extent: usize,
    },
    /// The step of a slice is 0.
    #[non_exhaustive]
    ZeroStep {
        /// The axis, from 0.
        axis: usize,
    },
    /// Another shape has another number of items.
    #[non_exhaustive]
    ReshapedCount {
        /// How many items there are.
        items: usize,
        /// How many items the new shape has.
        product: usize,
    },
    /// The items cannot be read in the new shape by any strides.
    NotReshapable,
    /// The items of a part have another size than those of the whole.
    #[non_exhaustive]
    OtherItems {
        /// The size of an item of the part in bytes.
        itemsize: usize,
        /// The size of an item of the whole in bytes.
        whole: usize,
    },
    /// A layout is declared over rows that are allocated one by one.
    OverRows,
    /// An allocation for the numbers failed.
    OutOfMemory,
}

impl From<NoMemory> for LayoutError {
    fn from(_: NoMemory) -> Self {
        Self::OutOfMemory
    }
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Negative { axis, extent } => write!(f, "dimension {axis} of the shape is negative ({extent})"),
            Self::TooLarge => f.write_str("the shape and the strides describe more bytes than memory can have; check both, and the size of an item"),
            Self::TooManyDimensions { ndim } => {
                write!(f, "the shape has {ndim} dimensions, but a buffer has at most {MAX_NDIM}")
            }
            Self::StridesMismatch { strides, ndim } => write!(
                f,
                "there are {strides} strides for a shape of {ndim} dimensions; give one stride for each dimension"
            ),
            Self::StridesWithoutShape => f.write_str("there are strides, but no shape; give a shape as well"),
            Self::InferredBesideZero => f.write_str(
                "`_` cannot be inferred, because another dimension of the shape is 0; give every dimension",
            ),
            Self::Indivisible { items, known } => write!(
                f,
                "the declared shape does not fit: the storage has {items} items, which is no multiple of {known}, the product of the dimensions beside `_`"
            ),
            Self::EmptyItem => f.write_str("an item has 0 bytes, which no buffer can describe; check the format"),
            Self::PartialItem { bytes, itemsize } => {
                write!(f, "{bytes} bytes are no whole number of items of {itemsize} bytes; check the format and the length")
            }
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
            Self::NoAxis { axis, ndim } => write!(f, "there is no axis {axis} in {ndim} dimensions; axes count from 0"),
            Self::IndexOutside { axis, index, extent } => {
                write!(f, "index {index} is outside axis {axis}, which has {extent} items")
            }
            Self::RangeOutside { axis, start, end, extent } => {
                write!(f, "the range {start}..{end} is outside axis {axis}, which has {extent} items")
            }
            Self::ZeroStep { axis } => write!(f, "the step along axis {axis} is 0; give 1 for every item"),
            Self::ReshapedCount { items, product } => {
                write!(f, "the new shape has {product} items, but there are {items}")
            }
            Self::OtherItems { itemsize, whole } => write!(
                f,
                "its items have {itemsize} bytes, but those of the whole have {whole}; derive its layout from that of the whole"
            ),
            Self::NotReshapable => f.write_str(
                "no strides reach the items in the new shape; copy them, or reshape before taking a part",
            ),
            Self::OutOfMemory => f.write_str("there is no memory for its shape and strides"),
            Self::OverRows => f.write_str(
                "rows that are allocated one by one have a shape of their own; declare no shape, strides or offset over them",
            ),
        }
    }
}

impl std::error::Error for LayoutError {}
