//! What a caller should pass instead of a buffer that is refused.
//!
//! A caller can convert or copy an array that is only read. A converted copy of an array that is written would lose the
//! results, so that advice names the array to keep.

use std::fmt;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::wanted::Wanted;
use crate::format::{ByteOrder, Content, Format, Scalar, ScalarKind};

/// The dtype of numpy with the wanted items.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dtype(Scalar);

impl Dtype {
    /// `None` if the items are records, or of a kind that has no short name in numpy.
    pub(super) fn of(wanted: Wanted) -> Option<Self> {
        let format = Format::parse(wanted.format.to_str().ok()?).ok()?;
        let &Content::Scalar(scalar) = format.item().content() else { return None };
        match scalar.kind() {
            ScalarKind::Bool
            | ScalarKind::Signed
            | ScalarKind::Unsigned
            | ScalarKind::Float
            | ScalarKind::Complex
            | ScalarKind::Bytes => Some(Self(scalar)),
            _ => None,
        }
    }

    pub(super) fn is_integer(self) -> bool {
        matches!(self.0.kind(), ScalarKind::Signed | ScalarKind::Unsigned)
    }

    /// Whether the items are byte strings.
    pub(super) fn is_bytes(self) -> bool {
        self.0.kind() == ScalarKind::Bytes
    }
}

/// Prints `np.dtype(...).name`, or numpy's short code where that name does not include the byte order.
impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, code) = match self.0.kind() {
            ScalarKind::Bool => return f.write_str("bool"),
            ScalarKind::Bytes => return write!(f, "S{}", self.0.size()),
            ScalarKind::Signed => ("int", 'i'),
            ScalarKind::Unsigned => ("uint", 'u'),
            ScalarKind::Float => ("float", 'f'),
            _ => ("complex", 'c'),
        };
        match self.0.order().filter(|&order| order != ByteOrder::NATIVE) {
            None => write!(f, "{name}{}", self.0.size() * 8),
            Some(ByteOrder::Big) => write!(f, ">{code}{}", self.0.size()),
            Some(ByteOrder::Little) => write!(f, "<{code}{}", self.0.size()),
        }
    }
}

/// How to get an array of the wanted items.
pub(super) struct ConvertAdvice(pub(super) Wanted);

impl fmt::Display for ConvertAdvice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(wanted) = *self;
        match (Dtype::of(wanted), wanted.read) {
            (Some(dtype), true) => write!(f, "convert it first, for example with np.asarray(x, dtype='{dtype}')"),
            (Some(dtype), false) => write!(
                f,
                "it is written in place, so pass an array of such items, for example np.empty(n, dtype='{dtype}'), or \
                 convert it before the call and use the converted array as the output: y = np.asarray(x, \
                 dtype='{dtype}')"
            ),
            (None, _) => write!(f, "pass an array of items of format '{}'", wanted.format.to_string_lossy()),
        }
    }
}

/// How to get items that are placed as required.
pub(super) struct CopyAdvice(pub(super) Wanted);

impl fmt::Display for CopyAdvice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.read {
            "copy it first, for example with np.array(x, order='C')"
        } else {
            "it is written in place, so copy it before the call and use the copy as the output: y = np.array(x, \
             order='C')"
        })
    }
}

/// How to get memory that nobody changes.
pub(super) struct StableAdvice(pub(super) Wanted);

impl fmt::Display for StableAdvice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(wanted) = self;
        let format = wanted.format.to_string_lossy();
        // The items of `bytes` are single bytes, which `memoryview.cast` converts only to formats of one character.
        match (&*format, wanted.shape.extents().is_empty()) {
            ("B", true) => f.write_str("pass bytes(x), or ")?,
            (_, true) if format.len() == 1 => write!(f, "pass memoryview(bytes(x)).cast('{format}'), or ")?,
            _ => (),
        }
        f.write_str("let the function take a `StableOrCopy`, which copies it, or a `BufferView`")
    }
}

/// How to get the dimensions of an element.
pub(super) struct ReshapeAdvice<'a>(pub(super) Wanted, pub(super) &'a [usize]);

impl fmt::Display for ReshapeAdvice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(wanted, extents) = self;
        // A reshaped array may be a copy, in which the results would be lost.
        let (before, after) = if wanted.read {
            ("reshape it first, for example with x.reshape(-1", ")")
        } else {
            ("pass an array of the shape (n", ")")
        };
        f.write_str(before)?;
        extents.iter().try_for_each(|extent| write!(f, ", {extent}"))?;
        f.write_str(after)
    }
}

/// What to pass instead of an object that exports no buffer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unbuffered {
    /// numpy may make an array of it, as of a number or a list.
    Convertible,
    Text,
    Other,
}

/// Classifies an object that exports no buffer.
pub(super) fn unbuffered(object: &Bound<'_, PyAny>) -> Unbuffered {
    if object.is_instance_of::<PyString>() {
        return Unbuffered::Text;
    }
    // SAFETY: attached, as the object proves, and the object is alive.
    let is_sequence = unsafe { ffi::PySequence_Check(object.as_ptr()) } != 0;
    // SAFETY: as above.
    let is_number = unsafe { ffi::PyNumber_Check(object.as_ptr()) } != 0;
    if is_sequence || is_number { Unbuffered::Convertible } else { Unbuffered::Other }
}

impl Unbuffered {
    /// The message for an object of the class.
    pub(super) fn message(self, wanted: Wanted, class: impl fmt::Display) -> impl fmt::Display {
        struct Message<C>(Unbuffered, Wanted, C);

        impl<C: fmt::Display> fmt::Display for Message<C> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let Self(object, wanted, class) = self;
                match (object, Dtype::of(*wanted), wanted.read) {
                    (Unbuffered::Text, Some(dtype), true)
                        if dtype.0.kind() == ScalarKind::Unsigned && dtype.0.size() == 1 =>
                    {
                        f.write_str("pass x.encode()")
                    }
                    (Unbuffered::Convertible, Some(dtype), true) => write!(f, "pass np.asarray(x, dtype='{dtype}')"),
                    (_, Some(dtype), true) => write!(f, "pass an array of dtype '{dtype}'"),
                    (_, Some(dtype), false) => {
                        write!(f, "pass an array to write to, for example np.empty(n, dtype='{dtype}')")
                    }
                    (_, None, _) => write!(f, "pass an array of items of format '{}'", wanted.format.to_string_lossy()),
                }?;
                write!(f, ": a bytes-like object is required, not '{class}'")
            }
        }

        Message(self, wanted, class)
    }
}
