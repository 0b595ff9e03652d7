//! The faults of a declaration that only its types show, in the compiler's words.
//!
//! A panic of `descriptor` would be reported as a panic. So the derive emits, before it calls that function,
//! `<() as Faultless<C, { Declaration::<__Export, C>::FAULT }>>::KEPT` for the type `C` of the field. For each fault the trait
//! is implemented under a bound that no type satisfies, and the text of the bound is the error. No unsafe code relies on
//! it: `descriptor` asserts the same.

use std::marker::PhantomData;

use super::class::{Exporter, ShapeSource, Source, readonly};
use crate::element::Element;
use crate::never::Never;

/// What is wrong with a declaration.
enum Fault {
    None,
    NoBytes,
    NotAnyBits,
    PartWithoutShape,
    PartWithPin,
    PartOfPart,
    RowsWithShape,
}

/// The declaration of an exporter whose field is a `C`.
#[derive(Debug)]
pub struct Declaration<T, C>(PhantomData<(T, C)>);

impl<T: Exporter<Cell = C>, C: Source> Declaration<T, C> {
    /// The first fault of the declaration, as a number.
    pub const FAULT: usize = fault::<T>();
}

/// A declaration whose field cannot be exported, which is an error of its own. Only then rustc takes this `FAULT` and
/// not the inherent one.
pub trait Unknown {
    /// No fault is known.
    const FAULT: usize = Fault::None as usize;
}

impl<T, C> Unknown for Declaration<T, C> {}

const fn fault<T: Exporter>() -> usize {
    let part = <T::Cell as Source>::PART;
    let natural = matches!(T::SOURCE, ShapeSource::Storage);
    // A record that the derive has refused is an error here, and nothing more is said about it.
    let _ = <T::Cell as Source>::Element::ITEMSIZE;
    let fault = if size_of::<<T::Cell as Source>::Element>() == 0 {
        Fault::NoBytes
    } else if !readonly::<T>() && !<T::Cell as Source>::Element::ANY_BITS {
        Fault::NotAnyBits
    } else if part && natural {
        Fault::PartWithoutShape
    } else if part && T::PIN {
        Fault::PartWithPin
    } else if <T::Cell as Source>::PART_OF_PART {
        Fault::PartOfPart
    } else if <T::Cell as Source>::ROWS && !natural && T::NDIM.is_some() {
        Fault::RowsWithShape
    } else {
        Fault::None
    };
    fault as usize
}

/// A field of type `C` with a declaration whose fault has this number. Every type implements it. If only the field's
/// type did, the compiler would print the text of this trait, which has none; if only one other type did, a list of
/// these numbers.
pub trait Faultless<C, const FAULT: usize> {
    /// Naming it requires that there is no fault.
    const KEPT: () = ();
}

impl<T, C> Faultless<C, { Fault::None as usize }> for T {}

/// Defines a bound that no type satisfies for each fault.
macro_rules! faults {
    ($($fault:expr => $(#[$attribute:meta])* $bound:ident;)*) => {$(
        $(#[$attribute])*
        pub trait $bound: Never {}

        impl<T, C: $bound> Faultless<C, { $fault }> for T {}
    )*};
}

faults! {
    Fault::NoBytes as usize =>
    /// Its elements have bytes.
    #[diagnostic::on_unimplemented(
        message = "the elements of `{Self}` have a size of 0 bytes, which no buffer can describe",
        label = "give its arrays a length above 0"
    )]
    HasBytes;

    Fault::NotAnyBits as usize =>
    /// Every bit pattern of its elements is valid.
    #[diagnostic::on_unimplemented(
        message = "Python may write any byte of `{Self}`, and not every one is a valid `bool`",
        label = "mark the field `#[buffer(readonly)]`, or store `u8` instead of `bool`"
    )]
    WritableByPython;

    Fault::PartWithoutShape as usize =>
    /// Its shape is declared.
    #[diagnostic::on_unimplemented(
        message = "a part of another object needs a `shape`",
        label = "write one, as in `#[buffer(shape = [self.nrows])]`"
    )]
    HasShape;

    Fault::PartWithPin as usize =>
    /// It owns what is pinned.
    #[diagnostic::on_unimplemented(
        message = "`pin` cannot keep the memory of another object in place",
        label = "write `pin` in that object's class, and remove it here"
    )]
    OwnsMemory;

    Fault::PartOfPart as usize =>
    /// The object exports memory of its own.
    #[diagnostic::on_unimplemented(
        message = "a part of a part cannot be exported",
        label = "hold the object whose memory it is, and declare the layout over all of it"
    )]
    IsPartOfWhole;

    Fault::RowsWithShape as usize =>
    /// Its shape is not declared.
    #[diagnostic::on_unimplemented(
        message = "rows that are allocated one by one have a shape of their own",
        label = "remove `shape`, `strides` and `offset`"
    )]
    HasOwnShape;
}
