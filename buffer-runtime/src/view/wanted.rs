//! The element that a consumer wants.

use std::any::type_name;
use std::ffi::CStr;

use super::begin::Intent;
use crate::element::Element;
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
}
