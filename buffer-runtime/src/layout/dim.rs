//! The numbers of a declaration: extents, strides and offsets, as the class's expressions return them.

use super::{Declaration, Descriptor, FormatRefused};

/// One extent of a declared shape, in items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dim {
    /// `_`: computed from the length of the storage and the other extents.
    Inferred,
    /// The declared number; a negative one is refused when the layout is resolved.
    Extent(isize),
    /// The declared number, of an unsigned type; one that does not fit in an `isize` is refused when the layout is
    /// resolved. So comparing it with a resolved extent needs no conversion.
    Length(usize),
    /// A number that fits in neither.
    TooLarge,
}

impl Dim {
    /// Whether the declared extent equals a resolved one. `_` equals any extent, since it follows from the length of
    /// the storage.
    #[inline(always)]
    pub(crate) fn is(self, resolved: isize) -> bool {
        match self {
            Self::Inferred => true,
            Self::Extent(declared) => declared == resolved,
            // A resolved extent is not negative, so no length that is too large equals one.
            Self::Length(declared) => declared == resolved.cast_unsigned(),
            Self::TooLarge => false,
        }
    }

    /// The extent for the value of an expression in `shape`.
    #[inline(always)]
    pub fn of<D: Dimension>(extent: D) -> Self {
        extent.into_dim()
    }
}

/// A declared offset or stride, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distance {
    /// The declared number.
    Bytes(isize),
    /// A number that does not fit in an `isize`.
    TooLarge,
}

impl Distance {
    /// The distance for the value of an expression in `offset` or `strides`.
    #[inline(always)]
    pub fn of<D: Dimension>(distance: D) -> Self {
        distance.into_isize().map_or(Self::TooLarge, Self::Bytes)
    }
}

/// An integer that may be an extent, a stride or an offset.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a dimension, a stride or an offset",
    label = "not an integer of at most 64 bits",
    note = "write an integer such as a `usize` or an `i64`; an expression may use `?` on a `PyResult` of one"
)]
pub trait Dimension: sealed::Sealed + Sized {
    #[doc(hidden)]
    fn into_isize(self) -> Option<isize>;

    #[doc(hidden)]
    fn into_dim(self) -> Dim;

    #[doc(hidden)]
    #[inline(always)]
    fn dim(extent: Self) -> Dim {
        extent.into_dim()
    }

    #[doc(hidden)]
    #[inline(always)]
    fn distance(distance: Self) -> Distance {
        Distance::of(distance)
    }
}

pub(crate) mod sealed {
    pub trait Sealed {}

    pub trait Evaluated {}
}

macro_rules! dimensions {
    ($($int:ty)*, $dim:ident, $number:ty) => {$(
        impl sealed::Sealed for $int {}

        impl Dimension for $int {
            #[inline(always)]
            fn into_isize(self) -> Option<isize> {
                isize::try_from(self).ok()
            }

            #[inline(always)]
            fn into_dim(self) -> Dim {
                <$number>::try_from(self).map_or(Dim::TooLarge, Dim::$dim)
            }
        }
    )*};
}

dimensions!(i8 i16 i32 i64 isize, Extent, isize);
dimensions!(u8 u16 u32 u64 usize, Length, usize);

/// One declared layout of a class: the values of the class's expressions.
///
/// # Safety
///
/// The functions do not unwind and run no user code, whatever the numbers are. Every layout that is resolved from
/// `declaration` has at least `count` numbers in its arrays: the runtime reads that many without another check.
pub unsafe trait Evaluated: sealed::Evaluated {
    /// How many numbers of a resolved layout's arrays `still_says` compares.
    fn count(&self) -> usize;

    /// The parts of the declaration. Which parts there are is the same for all objects of a class, unless there was no
    /// memory for one.
    fn declaration(&self, descriptor: &Descriptor) -> Declaration<'_>;

    /// Whether the number of dimensions, the format or the access may differ from one view to the next. If so, `count`
    /// is 0, and the whole declaration is compared instead.
    #[inline(always)]
    fn varies(&self) -> bool {
        false
    }

    /// The declaration without its format if the format is not parsed yet. Only for declarations that vary.
    #[inline(always)]
    fn unparsed(&self, descriptor: &Descriptor) -> Declaration<'_> {
        self.declaration(descriptor)
    }

    /// The format if it is not parsed yet; `declaration` parses it.
    #[inline(always)]
    fn text(&self) -> Option<&str> {
        None
    }

    /// Parses the format if it is not parsed yet.
    ///
    /// # Errors
    ///
    /// The format is refused.
    fn check(&self) -> Result<(), FormatRefused> {
        Ok(())
    }

    /// For a declaration that never changes, a number that no other declaration of the process ever had, except an equal
    /// one. 0 for any other declaration.
    #[inline(always)]
    fn serial(&self) -> u64 {
        0
    }

    /// Whether the declaration still equals this offset and these `count` numbers, which an earlier declaration was
    /// resolved into. `_` equals any extent, since the extent follows from the length of the storage.
    fn still_says(&self, offset: &dyn Fn() -> isize, arrays: &[isize]) -> bool;
}

/// A declaration whose number of dimensions `E` is known at compile time. `P` is 0 if neither offset nor strides are
/// declared. Otherwise `placement` is the offset, followed by one stride for each extent if strides are declared.
#[derive(Debug, Clone, Copy)]
pub struct Fixed<const E: usize, const P: usize> {
    extents: [Dim; E],
    placement: [Distance; P],
}

impl Fixed<0, 0> {
    /// An empty declaration: the shape is the storage's own.
    pub const NATURAL: Self = Self { extents: [], placement: [] };
}

impl<const E: usize, const P: usize> Fixed<E, P> {
    /// A declaration of these extents, and of this offset and these strides.
    #[inline(always)]
    pub fn new(extents: [Dim; E], placement: [Distance; P]) -> Self {
        Self { extents, placement }
    }
}

impl<const E: usize, const P: usize> sealed::Evaluated for Fixed<E, P> {}

// SAFETY: the functions only copy and compare numbers, so they run no user code and do not unwind. The arrays of a
// resolved layout start with `E` extents and `E` strides; the resolver refuses strides that are not one for each
// extent, so the `P - 1` strides are among these.
unsafe impl<const E: usize, const P: usize> Evaluated for Fixed<E, P> {
    #[inline(always)]
    fn count(&self) -> usize {
        E + P.saturating_sub(1)
    }

    #[inline(always)]
    fn declaration(&self, descriptor: &Descriptor) -> Declaration<'_> {
        if descriptor.natural {
            return Declaration::default();
        }
        Declaration {
            extents: Some(&self.extents),
            offset: self.placement.first().copied(),
            strides: self.placement.get(1..).filter(|strides| !strides.is_empty()),
            ..Declaration::default()
        }
    }

    #[inline(always)]
    fn still_says(&self, offset: &dyn Fn() -> isize, arrays: &[isize]) -> bool {
        let (extents, strides) = arrays.split_at(E.min(arrays.len()));
        let same_shape = self.extents.iter().zip(extents).all(|(dim, &number)| dim.is(number));
        let mut placement = self.placement.iter();
        same_shape
            && placement.next().is_none_or(|&declared| declared == Distance::Bytes(offset()))
            && placement.zip(strides).all(|(&declared, &stride)| declared == Distance::Bytes(stride))
    }
}

impl<D: Evaluated + ?Sized> sealed::Evaluated for &D {}

// SAFETY: all functions are those of `D`, which upholds the contract.
unsafe impl<D: Evaluated + ?Sized> Evaluated for &D {
    #[inline(always)]
    fn count(&self) -> usize {
        (**self).count()
    }

    #[inline(always)]
    fn declaration(&self, descriptor: &Descriptor) -> Declaration<'_> {
        (**self).declaration(descriptor)
    }

    #[inline(always)]
    fn varies(&self) -> bool {
        (**self).varies()
    }

    #[inline(always)]
    fn unparsed(&self, descriptor: &Descriptor) -> Declaration<'_> {
        (**self).unparsed(descriptor)
    }

    #[inline(always)]
    fn text(&self) -> Option<&str> {
        (**self).text()
    }

    fn check(&self) -> Result<(), FormatRefused> {
        (**self).check()
    }

    #[inline(always)]
    fn serial(&self) -> u64 {
        (**self).serial()
    }

    #[inline(always)]
    fn still_says(&self, offset: &dyn Fn() -> isize, arrays: &[isize]) -> bool {
        (**self).still_says(offset, arrays)
    }
}
