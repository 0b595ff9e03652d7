//! A declaration in its parts, and those that are known only at run time.

use std::borrow::Cow;
use std::ffi::CStr;
use std::rc::Rc;
use std::sync::Arc;

use super::{Descriptor, Dim, Dimension, Dims};
use crate::format::{Format, FormatError};

/// What is declared of a layout. What is not there is the storage's own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Declaration<'a> {
    /// The shape, in items.
    pub(crate) extents: Option<&'a [Dim]>,
    /// In bytes.
    pub(crate) offset: Option<Dim>,
    /// In bytes.
    pub(crate) strides: Option<&'a [Dim]>,
    /// What the bytes of the storage are read as.
    pub(crate) item: Option<Item<'a>>,
    pub(crate) readonly: bool,
}

/// What one item of a buffer is.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    pub(crate) format: &'a CStr,
    /// Its size in bytes; 0 is refused when the layout is resolved.
    pub(crate) itemsize: usize,
}

/// A declaration of which a part is known only at run time: how many dimensions there are, what an item is, or whether it
/// may be written.
#[derive(Debug, Default)]
pub struct Declared {
    extents: Option<Vec<Dim>>,
    offset: Option<Dim>,
    strides: Option<Vec<Dim>>,
    format: Option<Format>,
    readonly: bool,
}

impl Declared {
    /// Nothing, so far: the storage's own layout.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `readonly = ...`
    #[must_use]
    pub fn readonly(self, readonly: bool) -> Self {
        Self { readonly, ..self }
    }

    /// `format = ...`
    ///
    /// # Errors
    ///
    /// It is no format of a buffer's items.
    pub fn format(self, format: &(impl AsRef<str> + ?Sized)) -> Result<Self, FormatError> {
        Ok(Self { format: Some(Format::parse(format.as_ref())?), ..self })
    }

    /// `shape = ...`, an expression.
    #[must_use]
    pub fn shape(self, shape: &(impl Numbers + ?Sized)) -> Self {
        Self { extents: Some(shape.dims()), ..self }
    }

    /// `shape = [...]`
    #[must_use]
    pub fn extents<const N: usize>(self, extents: [Dim; N]) -> Self {
        Self { extents: Some(extents.to_vec()), ..self }
    }

    /// `offset = ...`
    #[must_use]
    pub fn offset(self, offset: Dim) -> Self {
        Self { offset: Some(offset), ..self }
    }

    /// `strides = ...`, an expression.
    #[must_use]
    pub fn strides(self, strides: &(impl Numbers + ?Sized)) -> Self {
        Self { strides: Some(strides.dims()), ..self }
    }

    /// `strides = [...]`
    #[must_use]
    pub fn steps<const N: usize>(self, strides: [Dim; N]) -> Self {
        Self { strides: Some(strides.to_vec()), ..self }
    }
}

impl super::dim::sealed::Dims for Declared {}

// SAFETY: it hands out what it has, and there is nothing of a resolved layout to read.
unsafe impl Dims for Declared {
    const LEN: usize = 0;
    const AT_RUN_TIME: bool = true;

    fn declaration(&self, _descriptor: &Descriptor) -> Declaration<'_> {
        let item = self.format.as_ref();
        Declaration {
            extents: self.extents.as_deref(),
            offset: self.offset,
            strides: self.strides.as_deref(),
            item: item.map(|format| Item { format: format.as_c_str(), itemsize: format.itemsize() }),
            readonly: self.readonly,
        }
    }

    fn still_says(&self, _numbers: &[isize]) -> bool {
        // It is evaluated for each first view, and may say anything.
        false
    }
}

/// A slice of integers, which may be a shape or strides.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a shape or strides",
    label = "not a slice of integers",
    note = "write a list, as in `[_, self.ncols]`, or an expression that gives a slice, an array or a `Vec` of integers; it \
            may use `?` on a `PyResult` of one"
)]
pub trait Numbers: sealed::Sealed {
    #[doc(hidden)]
    fn dims(&self) -> Vec<Dim>;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! numbers {
    ($([$($generics:tt)*] $slice:ty,)*) => {$(
        impl<$($generics)*> sealed::Sealed for $slice {}

        impl<$($generics)*> Numbers for $slice {
            fn dims(&self) -> Vec<Dim> {
                self.iter().map(|&number| Dim::of(number)).collect()
            }
        }
    )*};
}

numbers! {
    [D: Dimension] [D],
    [D: Dimension, const N: usize] [D; N],
    [D: Dimension] Vec<D>,
    [D: Dimension] Box<[D]>,
    [D: Dimension] Rc<[D]>,
    [D: Dimension] Arc<[D]>,
    ['a, D: Dimension] Cow<'a, [D]>,
}

impl<N: Numbers + ?Sized> sealed::Sealed for &N {}

impl<N: Numbers + ?Sized> Numbers for &N {
    fn dims(&self) -> Vec<Dim> {
        (**self).dims()
    }
}
