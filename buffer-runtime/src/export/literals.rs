//! What the literals in a declaration are compared with at compile time, for the rules of [`rules`](crate::rules): the
//! size of an item, and the number of items of an array. A storage of another length fits any number here.

use super::class::Source;
use crate::element::Element;

/// The size of an item, in bytes.
#[must_use]
pub const fn itemsize<C: Source>() -> usize {
    <C::Element as Element>::ITEMSIZE
}

/// Whether this many bytes are a number of whole items.
#[must_use]
pub const fn is_whole<C: Source>(bytes: i64) -> bool {
    bytes.unsigned_abs().is_multiple_of(itemsize::<C>() as u64)
}

/// How many items an array has; 0 for another storage.
#[must_use]
pub const fn items<C: Source>() -> usize {
    match C::ITEMS {
        Some(items) => items,
        None => 0,
    }
}

/// Whether an array has exactly this many items.
#[must_use]
pub const fn fills<C: Source>(count: usize) -> bool {
    C::ITEMS.is_none() || count == items::<C>()
}

/// Whether an array can be divided into groups of this many items.
#[must_use]
pub const fn divides<C: Source>(count: usize) -> bool {
    C::ITEMS.is_none() || items::<C>().is_multiple_of(count)
}

/// The end, in bytes, of this many items that start after this many bytes.
#[must_use]
pub const fn end<C: Source>(bytes: usize, count: usize) -> usize {
    count.saturating_mul(itemsize::<C>()).saturating_add(bytes)
}

/// The size of an array, in bytes; 0 for another storage.
#[must_use]
pub const fn size<C: Source>() -> usize {
    items::<C>().saturating_mul(itemsize::<C>())
}

/// Whether these items are in an array.
#[must_use]
pub const fn reaches<C: Source>(bytes: usize, count: usize) -> bool {
    C::ITEMS.is_none() || end::<C>(bytes, count) <= size::<C>()
}
