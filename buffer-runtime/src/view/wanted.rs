//! The element that a consumer wants.

use std::any::type_name;
use std::ffi::CStr;
use std::fmt;

use super::Intent;
use crate::element::Element;
use crate::format::{ByteOrder, Content, Format, ScalarKind};
use crate::layout::InnerShape;

/// The facts about the wanted element, as values instead of a type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// The name of its type in Rust.
    pub(super) name: &'static str,
    /// The format of one scalar.
    pub(super) format: &'static CStr,
    /// The size of one scalar, in bytes.
    pub(super) itemsize: usize,
    /// The dimensions of one element.
    pub(super) shape: &'static InnerShape,
    /// The size of one element, in bytes.
    pub(super) size: usize,
    /// The alignment of one element, in bytes.
    pub(super) align: usize,
    /// Whether elements are only read, so that truth values may be viewed as bytes.
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

    /// Advice for an object that has no such items.
    pub(super) fn conversion(self) -> impl fmt::Display {
        Conversion(self.dtype())
    }

    /// The name of the scalar's type in numpy, and the number of bits if the name contains it. `None` if the scalar is
    /// not a number or truth value in native byte order.
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
