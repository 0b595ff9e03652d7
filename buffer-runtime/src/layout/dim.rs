//! The numbers of a declaration: extents, strides and offsets, as expressions give them.

use super::{Declaration, Descriptor, Placement};

/// One extent of a declared shape, in items; or an offset or a stride, in bytes.
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
        extent.into_dim()
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
    fn into_dim(self) -> Dim;
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
            fn into_dim(self) -> Dim {
                isize::try_from(self).map_or(Dim::TooLarge, Dim::Extent)
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
    /// How many numbers that is at compile time; none where they are known only at run time.
    const LEN: usize;
    /// Whether the number of dimensions is known only at run time.
    const AT_RUN_TIME: bool;

    /// The parts of it.
    fn declaration(&self, descriptor: &Descriptor) -> Declaration<'_>;

    /// Whether it still says what was resolved before into these `LEN` numbers; `_` says whatever the length says.
    fn still_says(&self, numbers: &[isize]) -> bool;
}

impl<const N: usize> sealed::Dims for [Dim; N] {}

// SAFETY: of the class's descriptor, there are as many extents as it counted of these `N` (`Placement::ndim`); all else is
// asked for with `get`.
/// The extents, then the offset, then the strides.
unsafe impl<const N: usize> Dims for [Dim; N] {
    const LEN: usize = N;
    const AT_RUN_TIME: bool = false;

    #[inline(always)]
    fn declaration(&self, descriptor: &Descriptor) -> Declaration<'_> {
        if descriptor.natural {
            return Declaration::default();
        }
        let (extents, rest) = self.split_at(descriptor.ndim);
        let strides = match descriptor.placement {
            Placement::Strided => rest.get(1..),
            Placement::Dense | Placement::Offset => None,
        };
        Declaration { extents: Some(extents), offset: rest.first().copied(), strides, ..Declaration::default() }
    }

    #[inline(always)]
    fn still_says(&self, numbers: &[isize]) -> bool {
        self.iter().zip(numbers).all(|(dim, &number)| match *dim {
            Dim::Inferred => true,
            Dim::Extent(declared) => declared == number,
            Dim::TooLarge => false,
        })
    }
}

impl<D: Dims> sealed::Dims for &D {}

// SAFETY: as for what is referred to.
unsafe impl<D: Dims> Dims for &D {
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
