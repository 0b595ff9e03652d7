//! The descriptor of a class: the facts about it that are constant at compile time, and the rules between them.

use super::class::{Exporter, ShapeSource, Source, readonly};
use crate::element::{self, Element};
use crate::layout::Descriptor;
use crate::limits::MAX_NDIM;

/// Collects the facts about a class that are constant at compile time.
///
/// # Panics
///
/// At compile time: if an element breaks its promises, if Python may write bytes that are not a valid element, or if a
/// field of this type cannot have this declaration.
#[track_caller]
pub const fn descriptor<T: Exporter>() -> Descriptor {
    element::check::<<T::Cell as Source>::Element>();
    assert!(
        readonly::<T>() || <T::Cell as Source>::Element::ANY_BITS,
        "Python may write any byte, and not every one is a valid `bool`; mark the field `#[buffer(readonly)]`, or \
         store `u8` instead of `bool`"
    );
    let natural = matches!(T::SOURCE, ShapeSource::Storage);
    assert!(
        !(<T::Cell as Source>::PART && natural),
        "a part of another object needs a `shape`; write one, as in `shape = [self.nrows]`"
    );
    assert!(
        !(<T::Cell as Source>::PART && T::PIN),
        "the memory is another object's, which alone can keep it in place; write `pin` in that object's class"
    );
    assert!(
        !<T::Cell as Source>::PART_OF_PART,
        "a part of a part cannot be exported; hold the object whose memory it is, and declare the layout over all of it"
    );
    assert!(
        !<T::Cell as Source>::ROWS || natural || T::NDIM.is_none(),
        "rows that are allocated one by one have a shape of their own; remove `shape`, `strides` and `offset`"
    );
    let inner = const { &<T::Cell as Source>::Element::SHAPE };
    let own = inner.extents().len() + if <T::Cell as Source>::ROWS { 2 } else { 1 };
    let ndim = match T::NDIM {
        Some(ndim) => ndim,
        None => own,
    };
    assert!(own <= MAX_NDIM && ndim <= MAX_NDIM, "a buffer has at most 64 dimensions");
    Descriptor {
        format: <T::Cell as Source>::Element::FORMAT,
        itemsize: <T::Cell as Source>::Element::ITEMSIZE,
        order: T::ORDER,
        readonly: readonly::<T>(),
        inner,
        natural,
    }
}
