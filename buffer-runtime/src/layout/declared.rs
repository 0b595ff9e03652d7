//! The parts of a declaration, and declarations that are known only at run time.

use std::borrow::Cow;
use std::ffi::CStr;
use std::rc::Rc;
use std::sync::Arc;

use super::few::Few;
use super::formatted::{FormatPart, FormatRefused};
use super::{Descriptor, Dim, Dimension, Distance, Evaluated};

/// A declared layout. Parts that are `None` are the storage's own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Declaration<'a> {
    /// The shape, in items.
    pub(crate) extents: Option<&'a [Dim]>,
    /// In bytes.
    pub(crate) offset: Option<Distance>,
    /// In bytes.
    pub(crate) strides: Option<&'a [Distance]>,
    /// The items that the bytes of the storage are interpreted as.
    pub(crate) item: Option<Item<'a>>,
    pub(crate) readonly: bool,
    /// Whether a declared part is missing: there was no memory for it, or it is a format that [`Evaluated::check`]
    /// refuses.
    pub(crate) is_incomplete: bool,
    /// See [`Evaluated::serial`].
    pub(crate) serial: u64,
}

/// What one item of a buffer is.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    pub(crate) format: &'a CStr,
    /// The size in bytes; 0 is refused when the layout is resolved.
    pub(crate) itemsize: usize,
}

/// A declaration with a part that is known only at run time: the number of dimensions, the format of an item, or
/// whether consumers may write.
///
/// Each part has a type of its own, and `()` is a part that the class does not declare. So the compiler leaves out what
/// only other classes need.
#[derive(Debug)]
pub struct Declared<F, E, O, S> {
    readonly: bool,
    format: F,
    extents: E,
    offset: O,
    strides: S,
}

impl<F, E, O, S> Declared<F, E, O, S> {
    /// A declaration of these parts.
    #[must_use]
    #[inline(always)]
    pub fn new(readonly: bool, format: F, extents: E, offset: O, strides: S) -> Self {
        Self { readonly, format, extents, offset, strides }
    }
}

/// A part of a declaration: the extents, the offset or the strides.
pub trait DeclaredPart<T: ?Sized> {
    /// `None` if it is not declared, or lost.
    fn part(&self) -> Option<&T>;

    /// Whether it is declared, but there was no memory for it.
    #[inline(always)]
    fn is_lost(&self) -> bool {
        false
    }
}

impl<T: ?Sized> DeclaredPart<T> for () {
    #[inline(always)]
    fn part(&self) -> Option<&T> {
        None
    }
}

impl DeclaredPart<Self> for Distance {
    #[inline(always)]
    fn part(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<T, const N: usize> DeclaredPart<[T]> for [T; N] {
    #[inline(always)]
    fn part(&self) -> Option<&[T]> {
        Some(self)
    }
}

impl<T: Copy> DeclaredPart<[T]> for Few<T> {
    #[inline(always)]
    fn part(&self) -> Option<&[T]> {
        self.as_slice()
    }

    #[inline(always)]
    fn is_lost(&self) -> bool {
        self.as_slice().is_none()
    }
}

impl<T: ?Sized, P: DeclaredPart<T>> DeclaredPart<T> for Option<P> {
    #[inline(always)]
    fn part(&self) -> Option<&T> {
        self.as_ref().and_then(P::part)
    }

    #[inline(always)]
    fn is_lost(&self) -> bool {
        self.as_ref().is_some_and(P::is_lost)
    }
}

impl<F, E, O, S> Declared<F, E, O, S>
where
    F: FormatPart,
    E: DeclaredPart<[Dim]>,
    O: DeclaredPart<Distance>,
    S: DeclaredPart<[Distance]>,
{
    #[inline(always)]
    fn with_item<'a>(&'a self, item: Option<Item<'a>>, is_lost: bool) -> Declaration<'a> {
        Declaration {
            extents: self.extents.part(),
            offset: self.offset.part().copied(),
            strides: self.strides.part(),
            item,
            readonly: self.readonly,
            is_incomplete: is_lost || self.extents.is_lost() || self.strides.is_lost(),
            serial: 0,
        }
    }
}

impl<F, E, O, S> super::dim::sealed::Evaluated for Declared<F, E, O, S> {}

// SAFETY: the functions only return stored values and parse a format, so they run no user code and do not unwind;
// `count` is 0.
unsafe impl<F, E, O, S> Evaluated for Declared<F, E, O, S>
where
    F: FormatPart,
    E: DeclaredPart<[Dim]>,
    O: DeclaredPart<Distance>,
    S: DeclaredPart<[Distance]>,
{
    fn count(&self) -> usize {
        0
    }

    fn declaration(&self, _descriptor: &Descriptor) -> Declaration<'_> {
        self.with_item(self.format.item(), self.format.is_lost())
    }

    fn varies(&self) -> bool {
        true
    }

    #[inline(always)]
    fn unparsed(&self, descriptor: &Descriptor) -> Declaration<'_> {
        if self.text().is_some() { self.with_item(None, false) } else { self.declaration(descriptor) }
    }

    #[inline(always)]
    fn text(&self) -> Option<&str> {
        self.format.text()
    }

    fn check(&self) -> Result<(), FormatRefused> {
        self.format.check()
    }

    fn still_says(&self, _offset: &dyn Fn() -> isize, _arrays: &[isize]) -> bool {
        // Any part may have changed.
        false
    }
}

/// A slice of integers, as a shape or strides. The expansion calls its functions, since the error of a bound shows where it is
/// required.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a shape or strides",
    label = "not a slice of integers",
    note = "write a list, as in `[_, self.ncols]`, or an expression that gives a slice, an array or a `Vec` of integers; it \
            may use `?` on a `PyResult` of one"
)]
pub trait Numbers {
    /// As extents.
    fn dims(&self) -> Few<Dim>;

    /// As strides.
    fn distances(&self) -> Few<Distance>;
}

macro_rules! numbers {
    ($([$($generics:tt)*] $slice:ty,)*) => {$(
        impl<$($generics)*> Numbers for $slice {
            #[inline]
            fn dims(&self) -> Few<Dim> {
                Few::of(self.iter().map(|&number| Dim::of(number)), Dim::Inferred)
            }

            #[inline]
            fn distances(&self) -> Few<Distance> {
                Few::of(self.iter().map(|&number| Distance::of(number)), Distance::Bytes(0))
            }
        }

    )*};
}

numbers! {
    [D: Dimension + Copy] [D],
    [D: Dimension + Copy, const N: usize] [D; N],
    [D: Dimension + Copy] Vec<D>,
    [D: Dimension + Copy] Box<[D]>,
    [D: Dimension + Copy] Rc<[D]>,
    [D: Dimension + Copy] Arc<[D]>,
    ['a, D: Dimension + Copy] Cow<'a, [D]>,
}

impl<N: Numbers + ?Sized> Numbers for &N {
    #[inline]
    fn dims(&self) -> Few<Dim> {
        (**self).dims()
    }

    #[inline]
    fn distances(&self) -> Few<Distance> {
        (**self).distances()
    }
}
