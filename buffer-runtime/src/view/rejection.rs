//! Why an object's buffer cannot be viewed as the wanted element, with the messages.

use std::ffi::{CString, c_int};
use std::fmt;

use super::advice::{ConvertAdvice, CopyAdvice, ReshapeAdvice};
use super::wanted::Wanted;
use crate::format::FormatError;

/// Why a buffer cannot be viewed.
#[derive(Debug)]
pub(super) enum Rejection {
    /// The buffer does not have the wanted items.
    Format {
        wanted: Wanted,
        given: String,
    },
    /// The buffer's items are not floats of either size.
    NotFloats {
        wanted: Wanted,
        given: String,
    },
    /// The format of its items cannot be parsed.
    Unreadable {
        wanted: Wanted,
        error: Box<FormatError>,
    },
    NotUtf8(CString),
    /// Its last dimensions are not those of the element.
    ElementShape {
        wanted: Wanted,
        extents: Vec<usize>,
        shape: Vec<isize>,
    },
    /// Its last dimensions are those of the element, but the scalars of one element are not contiguous.
    ScatteredElement {
        wanted: Wanted,
    },
    Misaligned {
        wanted: Wanted,
    },
    MisalignedStride {
        wanted: Wanted,
        axis: usize,
        stride: isize,
    },
    /// The wanted array type has another number of dimensions.
    #[cfg_attr(not(feature = "ndarray"), allow(dead_code, reason = "only arrays of ndarray have one"))]
    Dimensions {
        wanted: usize,
        given: usize,
    },
    /// A slice of the items is wanted, but the items are not contiguous.
    NotContiguous {
        wanted: Wanted,
    },
    /// The view would be writable, and items may share bytes.
    Overlapping {
        wanted: Wanted,
    },
    /// There is no memory for the addresses of its rows, or for another rejection.
    NoRoom,
    /// Its fields contradict each other or the protocol.
    Contradiction(Contradiction),
}

/// How an exporter contradicts itself, or the protocol.
#[derive(Debug)]
pub(super) enum Contradiction {
    Itemsize { itemsize: isize, format: CString, size: usize },
    Ndim(c_int),
    NoOwner,
    NoShape { ndim: c_int },
    PartialItem { len: isize, itemsize: isize },
    NegativeExtent { axis: usize, extent: isize },
    Len { len: isize, shape: Vec<isize>, itemsize: isize, bytes: isize },
    TooLarge,
    NullBuf,
    NullRow { row: usize },
    ReadOnly,
}

impl From<Contradiction> for Rejection {
    fn from(contradiction: Contradiction) -> Self {
        Self::Contradiction(contradiction)
    }
}

/// A shape as Python writes it.
struct Tuple<'a, N>(&'a [N]);

impl<N: fmt::Display> fmt::Display for Tuple<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [only] => write!(f, "({only},)"),
            [] => f.write_str("()"),
            [first, others @ ..] => {
                write!(f, "({first}")?;
                others.iter().try_for_each(|other| write!(f, ", {other}"))?;
                f.write_str(")")
            }
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format { wanted, given } => {
                let (name, format) = (wanted.name, wanted.format.to_string_lossy());
                let convert = ConvertAdvice(*wanted);
                write!(f, "expected items of format '{format}' ({name}), but this buffer has '{given}'; {convert}")?;
                // `memoryview.cast` converts bytes only to formats of one character.
                if format.len() == 1 && matches!(given.trim_start_matches(['<', '>', '=', '@']), "B" | "b" | "c") {
                    write!(f, "; if its bytes are those of such items, pass memoryview(x).cast('{format}')")?;
                }
                Ok(())
            }
            Self::NotFloats { wanted, given } => write!(
                f,
                "expected items of float32 or float64, but this buffer has items of format '{given}'; {}",
                ConvertAdvice(*wanted)
            ),
            Self::Unreadable { wanted, error } => write!(
                f,
                "expected items of format '{}' ({}), but those of this buffer cannot be read: {}; {}",
                wanted.format.to_string_lossy(),
                wanted.name,
                error.place(),
                ConvertAdvice(*wanted),
            ),
            Self::NotUtf8(format) => write!(
                f,
                "this buffer has items of format {format:?}, which is not UTF-8; this is a bug in its exporter"
            ),
            Self::ElementShape { wanted, extents, shape } => write!(
                f,
                "expected a buffer whose last dimensions are {} ({}), but this one has the shape {}; {}",
                Tuple(extents),
                wanted.name,
                Tuple(shape),
                ReshapeAdvice(*wanted, extents),
            ),
            Self::ScatteredElement { wanted } => write!(
                f,
                "expected each {} in one piece, but the last dimensions of this buffer are not contiguous; {}",
                wanted.name,
                CopyAdvice(*wanted),
            ),
            Self::Misaligned { wanted } => write!(
                f,
                "expected items aligned to {} bytes ({}), but this buffer is misaligned: it starts at an address that is \
                 no multiple of {}; {}",
                wanted.align,
                wanted.name,
                wanted.align,
                CopyAdvice(*wanted),
            ),
            Self::MisalignedStride { wanted, axis, stride } => write!(
                f,
                "expected items aligned to {} bytes ({}), but this buffer is misaligned: the stride of dimension {axis}, \
                 {stride}, is no multiple of {}; {}",
                wanted.align,
                wanted.name,
                wanted.align,
                CopyAdvice(*wanted),
            ),
            Self::Dimensions { wanted, given } => {
                write!(f, "expected a buffer of {wanted} dimensions, but this one has {given}; reshape it first")
            }
            Self::NotContiguous { wanted } => write!(
                f,
                "expected items that lie one after the other, in C order, and those of this buffer do not; {}",
                CopyAdvice(*wanted),
            ),
            Self::Overlapping { wanted } => write!(
                f,
                "items of this buffer share memory, or may do so, and writing one would write another; {}",
                CopyAdvice(*wanted),
            ),
            Self::NoRoom => f.write_str("there is no memory to view this buffer"),
            Self::Contradiction(contradiction) => contradiction.fmt(f),
        }
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Itemsize { itemsize, format, size } => {
                write!(
                    f,
                    "an item of format '{}' has {size} bytes, but itemsize is {itemsize}",
                    format.to_string_lossy()
                )
            }
            Self::Ndim(ndim) => write!(f, "ndim is {ndim}, and a buffer has 0 to 64 dimensions"),
            Self::NoOwner => f.write_str("obj is NULL, so that nothing keeps the memory"),
            Self::NoShape { ndim } => write!(f, "shape is NULL, and ndim is {ndim}"),
            Self::PartialItem { len, itemsize } => {
                write!(f, "len is {len}, which is no multiple of the itemsize {itemsize}")
            }
            Self::NegativeExtent { axis, extent } => write!(f, "dimension {axis} of the shape is negative: {extent}"),
            Self::Len { len, shape, itemsize, bytes } => write!(
                f,
                "len is {len}, but items of {itemsize} bytes in the shape {} have {bytes} bytes",
                Tuple(shape),
            ),
            Self::TooLarge => f.write_str("its items extend over more bytes than memory can have"),
            Self::NullBuf => f.write_str("buf is NULL, and there are items"),
            Self::NullRow { row } => write!(f, "row {row} is behind a pointer that is NULL"),
            Self::ReadOnly => f.write_str("a writable view was granted, and is read-only"),
        }
    }
}
