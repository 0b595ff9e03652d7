//! The numbers of a declaration: extents, strides and offsets, as expressions give them.

use super::{Declaration, Descriptor};

/// One extent of a declared shape, in items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dim {
    /// `_`: whatever the length of the storage leaves.
    Inferred,
    /// The number that was declared; a negative number of items is refused when the layout is resolved.
    Extent(isize),
    /// A number that no layout can hold.
    TooLarge,
}

impl Dim {
    /// The extent that an expression in `shape` has.
    #[inline(always)]
    pub fn of<D: Dimension>(extent: D) -> Self {
        extent.into_isize().map_or(Self::TooLarge, Self::Extent)
    }
}

/// A declared offset or stride, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distance {
    /// The number that was declared.
    Bytes(isize),
    /// A number that no layout can hold.
    TooLarge,
}

impl Distance {
    /// The distance that an expression in `offset` or `strides` has.
    #[inline(always)]
    pub fn of<D: Dimension>(distance: D) -> Self {
        distance.into_isize().map_or(Self::TooLarge, Self::Bytes)
    }
}

/// An integer that may be an extent of a shape.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a dimension, a stride or an offset",
    label = "not an integer of at most 64 bits",
    note = "write an integer such as a `usize` or an `i64`; an expression may use `?` on a `PyResult` of one"
)]
pub trait Dimension: sealed::Sealed + Copy {
    #[doc(hidden)]
    fn into_isize(self) -> Option<isize>;
}

pub(super) mod sealed {
    pub trait Sealed {}

    pub trait Dims {}
}

macro_rules! dimensions {
    ($($int:ty)*) => {$(
        impl sealed::Sealed for $int {}

        impl Dimension for $int {
            #[inline(always)]
            fn into_isize(self) -> Option<isize> {
                isize::try_from(self).ok()
            }
        }
    )*};
}

dimensions!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

/// What a class declares of one layout, as its expressions give it.
///
/// # Safety
///
/// `declaration` and `still_says` do not unwind and run no code of the user's, whatever the numbers are. What is read of a
/// resolved layout is as long as `LEN` says.
pub unsafe trait Dims: sealed::Dims {
    /// How many dimensions it has; 0 where that is known only at run time.
    const NDIM: usize;
    /// How many numbers that is at compile time; none where they are known only at run time.
    const LEN: usize;
    /// Whether the number of dimensions is known only at run time.
    const AT_RUN_TIME: bool;

    /// The parts of it.
    fn declaration(&self, descriptor: &Descriptor) -> Declaration<'_>;

    /// Whether it still says what was resolved before into these `LEN` numbers; `_` says whatever the length says.
    fn still_says(&self, numbers: &[isize]) -> bool;
}

/// The numbers of a declaration whose number of dimensions is known at compile time. `P` is 0 where the items are dense; else
/// there is an offset, and then a stride for each extent if there are strides.
#[derive(Debug, Clone, Copy)]
pub struct Fixed<const E: usize, const P: usize> {
    extents: [Dim; E],
    placement: [Distance; P],
}

impl Fixed<0, 0> {
    /// Nothing is declared: the shape is the storage's own.
    pub const NATURAL: Self = Self { extents: [], placement: [] };
}

impl<const E: usize, const P: usize> Fixed<E, P> {
    /// What is declared.
    #[inline(always)]
    pub fn new(extents: [Dim; E], placement: [Distance; P]) -> Self {
        Self { extents, placement }
    }
}

impl<const E: usize, const P: usize> sealed::Dims for Fixed<E, P> {}

// SAFETY: nothing here runs code of the user's or unwinds, and there are as many numbers as `LEN` says.
unsafe impl<const E: usize, const P: usize> Dims for Fixed<E, P> {
    const NDIM: usize = E;
    const LEN: usize = E + P;
    const AT_RUN_TIME: bool = false;

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
    fn still_says(&self, numbers: &[isize]) -> bool {
        let (extents, placement) = numbers.split_at(E.min(numbers.len()));
        let same_shape = self.extents.iter().zip(extents).all(|(dim, &number)| match *dim {
            Dim::Inferred => true,
            Dim::Extent(declared) => declared == number,
            Dim::TooLarge => false,
        });
        same_shape
            && self.placement.iter().zip(placement).all(|(&distance, &number)| distance == Distance::Bytes(number))
    }
}

impl<D: Dims> sealed::Dims for &D {}

// SAFETY: as for what is referred to.
unsafe impl<D: Dims> Dims for &D {
    const NDIM: usize = D::NDIM;
    const LEN: usize = D::LEN;
    const AT_RUN_TIME: bool = D::AT_RUN_TIME;

    #[inline(always)]
    fn declaration(&self, descriptor: &Descriptor) -> Declaration<'_> {
        (**self).declaration(descriptor)
    }

    #[inline(always)]
    fn still_says(&self, numbers: &[isize]) -> bool {
        (**self).still_says(numbers)
    }
}
