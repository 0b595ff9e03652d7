//! The element that a consumer wants.

use std::any::type_name;
use std::ffi::CStr;

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
    pub(super) fn conversion(self) -> String {
        match self.dtype() {
            Some(dtype) => format!("convert it first, for example with np.asarray(x, dtype='{dtype}')"),
            None => "convert it first".to_owned(),
        }
    }

    /// What numpy calls it, where it is a number of the native byte order.
    fn dtype(self) -> Option<String> {
        let format = Format::parse(self.format.to_str().ok()?).ok()?;
        let &Content::Scalar(scalar) = format.item().content() else { return None };
        let kind = match scalar.kind() {
            ScalarKind::Bool => return Some("bool".to_owned()),
            ScalarKind::Signed => "int",
            ScalarKind::Unsigned => "uint",
            ScalarKind::Float => "float",
            ScalarKind::Complex => "complex",
            _ => return None,
        };
        let native = scalar.order().is_none_or(|order| order == ByteOrder::NATIVE);
        native.then(|| format!("{kind}{}", scalar.size() * 8))
    }
}
