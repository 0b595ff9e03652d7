//! The element that a consumer wants.

use std::any::type_name;
use std::ffi::CStr;
use std::fmt;

use super::Intent;
use crate::element::Element;
use crate::format::{ByteOrder, Content, Format, ScalarKind};
use crate::layout::InnerShape;

/// The element that is wanted, as values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// What it is called in Rust.
    pub(super) name: &'static str,
    /// Of one scalar.
    pub(super) format: &'static CStr,
    /// Of one scalar, in bytes.
    pub(super) itemsize: usize,
    /// The dimensions of one element.
    pub(super) shape: &'static InnerShape,
    /// Of one element, in bytes.
    pub(super) size: usize,
    /// Of one element, in bytes.
    pub(super) align: usize,
    /// Whether it is only read, so that bytes may be truth values.
    pub(super) read: bool,
}

impl Wanted {
    pub(super) fn of<T: Element>(access: Intent) -> Self {
        Self {
            name: type_name::<T>(),
            format: T::FORMAT,
            itemsize: T::ITEMSIZE,
            shape: const { &T::SHAPE },
            size: size_of::<T>(),
            align: align_of::<T>(),
            read: access == Intent::Read,
        }
    }

    /// What to do with whatever has no such items.
    pub(super) fn conversion(self) -> impl fmt::Display {
        Conversion(self.dtype())
    }

    /// What numpy calls it, where it is a number of the native byte order, and how many bits it has where that is in the name.
    fn dtype(self) -> Option<(&'static str, Option<usize>)> {
        let format = Format::parse(self.format.to_str().ok()?).ok()?;
        let &Content::Scalar(scalar) = format.item().content() else { return None };
        let kind = match scalar.kind() {
            ScalarKind::Bool => return Some(("bool", None)),
            ScalarKind::Signed => "int",
            ScalarKind::Unsigned => "uint",
            ScalarKind::Float => "float",
            ScalarKind::Complex => "complex",
            _ => return None,
        };
        let native = scalar.order().is_none_or(|order| order == ByteOrder::NATIVE);
        native.then(|| (kind, Some(scalar.size() * 8)))
    }
}

/// The dtype to convert to, if there is one.
struct Conversion(Option<(&'static str, Option<usize>)>);

impl fmt::Display for Conversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("convert it first")?;
        let Some((kind, bits)) = self.0 else { return Ok(()) };
        write!(f, ", for example with np.asarray(x, dtype='{kind}")?;
        if let Some(bits) = bits {
            write!(f, "{bits}")?;
        }
        f.write_str("')")
    }
}
