//! The parts of a declaration, and declarations that are known only at run time.

use std::borrow::Cow;
#[cfg(not(feature = "format"))]
use std::convert::Infallible;
use std::ffi::CStr;
use std::rc::Rc;
use std::sync::Arc;

use super::{Descriptor, Dim, Dimension, Dims, Distance, Evaluated};
#[cfg(feature = "format")]
use crate::format::{Format, FormatError};
use crate::memory::{NoMemory, collect};

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
    /// Whether an allocation for a part of the declaration failed.
    pub(crate) out_of_memory: bool,
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
#[derive(Debug, Default)]
pub struct Declared {
    extents: Option<Vec<Dim>>,
    offset: Option<Distance>,
    strides: Option<Vec<Distance>>,
    #[cfg(feature = "format")]
    format: Option<Format>,
    readonly: bool,
    out_of_memory: bool,
}

impl Declared {
    /// An empty declaration: the storage's own layout.
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
    /// When the text is not a format that [`Format::parse`] accepts.
    #[cfg(feature = "format")]
    pub fn format(self, format: &(impl AsRef<str> + ?Sized)) -> Result<Self, FormatError> {
        Ok(Self { format: Some(Format::parse(format.as_ref())?), ..self })
    }

    /// `format = ...`, which does not compile.
    ///
    /// # Errors
    ///
    /// None.
    #[cfg(not(feature = "format"))]
    pub fn format(self, _: &(impl NeedsFeature + ?Sized)) -> Result<Self, Infallible> {
        Ok(self)
    }

    /// `shape = ...`, an expression.
    #[must_use]
    pub fn shape(self, shape: &(impl Numbers + ?Sized)) -> Self {
        self.with_extents(shape.dims())
    }

    /// `shape = [...]`
    #[must_use]
    pub fn extents<const N: usize>(self, extents: [Dim; N]) -> Self {
        self.with_extents(collect(extents.into_iter()))
    }

    /// `offset = ...`
    #[must_use]
    pub fn offset(self, offset: Distance) -> Self {
        Self { offset: Some(offset), ..self }
    }

    /// `strides = ...`, an expression.
    #[must_use]
    pub fn strides(self, strides: &(impl Numbers + ?Sized)) -> Self {
        self.with_strides(strides.distances())
    }

    /// `strides = [...]`
    #[must_use]
    pub fn steps<const N: usize>(self, strides: [Distance; N]) -> Self {
        self.with_strides(collect(strides.into_iter()))
    }

    fn with_extents(self, extents: Result<Vec<Dim>, NoMemory>) -> Self {
        Self { out_of_memory: self.out_of_memory || extents.is_err(), extents: extents.ok(), ..self }
    }

    fn with_strides(self, strides: Result<Vec<Distance>, NoMemory>) -> Self {
        Self { out_of_memory: self.out_of_memory || strides.is_err(), strides: strides.ok(), ..self }
    }
}

impl super::dim::sealed::Evaluated for Declared {}

impl Dims for Declared {
    const NDIM: usize = 0;
    const AT_RUN_TIME: bool = true;
}

// SAFETY: the functions only return stored values, so they run no user code and do not unwind; `count` is 0.
unsafe impl Evaluated for Declared {
    fn count(&self) -> usize {
        0
    }

    fn declaration(&self, _descriptor: &Descriptor) -> Declaration<'_> {
        #[cfg(feature = "format")]
        let item = self.format.as_ref().map(|format| Item { format: format.as_c_str(), itemsize: format.itemsize() });
        #[cfg(not(feature = "format"))]
        let item = None;
        Declaration {
            extents: self.extents.as_deref(),
            offset: self.offset,
            strides: self.strides.as_deref(),
            item,
            readonly: self.readonly,
            out_of_memory: self.out_of_memory,
        }
    }

    fn still_says(&self, _offset: &dyn Fn() -> isize, _arrays: &[isize]) -> bool {
        // Any part may have changed, so the layout is resolved anew for each first view.
        false
    }
}

/// A format without the feature of that name: none.
#[cfg(not(feature = "format"))]
#[diagnostic::on_unimplemented(
    message = "the feature `format` of `buffer-runtime` is off",
    label = "needs that feature",
    note = "write `features = [\"format\"]` beside `buffer-runtime` in `Cargo.toml`, or leave its default features on"
)]
pub trait NeedsFeature {}

/// A slice of integers, as a shape or strides.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a shape or strides",
    label = "not a slice of integers",
    note = "write a list, as in `[_, self.ncols]`, or an expression that gives a slice, an array or a `Vec` of integers; it \
            may use `?` on a `PyResult` of one"
)]
pub trait Numbers: sealed::Numbers {}

mod sealed {
    use super::{Dim, Distance};
    use crate::memory::NoMemory;

    pub trait Numbers {
        fn dims(&self) -> Result<Vec<Dim>, NoMemory>;

        fn distances(&self) -> Result<Vec<Distance>, NoMemory>;
    }
}

macro_rules! numbers {
    ($([$($generics:tt)*] $slice:ty,)*) => {$(
        impl<$($generics)*> sealed::Numbers for $slice {
            fn dims(&self) -> Result<Vec<Dim>, NoMemory> {
                collect(self.iter().map(|&number| Dim::of(number)))
            }

            fn distances(&self) -> Result<Vec<Distance>, NoMemory> {
                collect(self.iter().map(|&number| Distance::of(number)))
            }
        }

        impl<$($generics)*> Numbers for $slice {}
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

impl<N: Numbers + ?Sized> sealed::Numbers for &N {
    fn dims(&self) -> Result<Vec<Dim>, NoMemory> {
        (**self).dims()
    }

    fn distances(&self) -> Result<Vec<Distance>, NoMemory> {
        (**self).distances()
    }
}

impl<N: Numbers + ?Sized> Numbers for &N {}
