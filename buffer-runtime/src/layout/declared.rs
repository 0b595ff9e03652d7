//! The parts of a declaration, and declarations that are known only at run time.

use std::borrow::Cow;
#[cfg(not(feature = "format"))]
use std::convert::Infallible;
use std::ffi::CStr;
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::sync::Arc;

use super::few::Few;
use super::{Descriptor, Dim, Dimension, Dims, Distance, Evaluated};
#[cfg(feature = "format")]
use crate::format::{Format, FormatError, Short};
use crate::memory::NoMemory;
#[cfg(feature = "format")]
use crate::memory::boxed;

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
#[derive(Debug, Default)]
pub struct Declared {
    /// Dropped only if `allocated` is set.
    parts: ManuallyDrop<Parts>,
    /// Whether a part has memory of its own. One test tells that hardly any declaration has, where the parts would be
    /// tested one by one.
    allocated: bool,
}

#[derive(Debug, Default)]
struct Parts {
    extents: Option<Few<Dim>>,
    offset: Option<Distance>,
    strides: Option<Few<Distance>>,
    #[cfg(feature = "format")]
    short: Option<Short>,
    /// The format if it is not short.
    #[cfg(feature = "format")]
    parsed: Option<Box<Format>>,
    readonly: bool,
    out_of_memory: bool,
}

impl Drop for Declared {
    #[inline(always)]
    fn drop(&mut self) {
        if self.allocated {
            // SAFETY: the parts are not used afterwards.
            unsafe { free(&mut self.parts) };
        }
    }
}

/// A function of its own, so that compilers inline the test before it, and keep a declaration in registers.
///
/// # Safety
///
/// The parts are not used afterwards.
#[cold]
#[inline(never)]
unsafe fn free(parts: &mut ManuallyDrop<Parts>) {
    // SAFETY: as the caller vouches.
    unsafe { ManuallyDrop::drop(parts) };
}

// These functions are inlined into the code of a class, and change the declaration in place, so that it is not moved at
// each call.
impl Declared {
    /// An empty declaration: the storage's own layout.
    #[must_use]
    #[inline(always)]
    pub fn new() -> Self {
        Self::default()
    }

    /// `readonly = ...`
    #[must_use]
    #[inline(always)]
    pub fn readonly(mut self, readonly: bool) -> Self {
        self.parts.readonly = readonly;
        self
    }

    /// `format = ...`
    ///
    /// # Errors
    ///
    /// When the text is not a format that [`Format::parse`] accepts.
    #[cfg(feature = "format")]
    #[inline(always)]
    pub fn format(mut self, text: &str) -> Result<Self, FormatError> {
        match Short::of(text) {
            Some(format) => self.parts.short = Some(format),
            None => match parse(text)? {
                Some(format) => {
                    self.parts.parsed = Some(format);
                    self.allocated = true;
                }
                None => self.parts.out_of_memory = true,
            },
        }
        Ok(self)
    }

    /// `format = ...`, which does not compile.
    ///
    /// # Errors
    ///
    /// None.
    #[cfg(not(feature = "format"))]
    #[inline(always)]
    pub fn format(self, _: &str) -> Result<Self, Infallible> {
        Ok(self)
    }

    /// `shape = ...`, an expression.
    #[must_use]
    #[inline(always)]
    pub fn shape(self, shape: Result<Few<Dim>, NoMemory>) -> Self {
        self.with_extents(shape)
    }

    /// `shape = [...]`
    #[must_use]
    #[inline(always)]
    pub fn extents<const N: usize>(self, extents: [Dim; N]) -> Self {
        self.with_extents(Few::of(extents.into_iter(), Dim::Inferred))
    }

    /// `offset = ...`
    #[must_use]
    #[inline(always)]
    pub fn offset(mut self, offset: Distance) -> Self {
        self.parts.offset = Some(offset);
        self
    }

    /// `strides = ...`, an expression.
    #[must_use]
    #[inline(always)]
    pub fn strides(self, strides: Result<Few<Distance>, NoMemory>) -> Self {
        self.with_strides(strides)
    }

    /// `strides = [...]`
    #[must_use]
    #[inline(always)]
    pub fn steps<const N: usize>(self, strides: [Distance; N]) -> Self {
        self.with_strides(Few::of(strides.into_iter(), Distance::Bytes(0)))
    }

    #[inline(always)]
    fn with_extents(mut self, extents: Result<Few<Dim>, NoMemory>) -> Self {
        self.parts.extents = self.noted(extents);
        self
    }

    #[inline(always)]
    fn with_strides(mut self, strides: Result<Few<Distance>, NoMemory>) -> Self {
        self.parts.strides = self.noted(strides);
        self
    }

    /// The numbers of a part; notes whether they have memory of their own, or got none.
    #[inline(always)]
    fn noted<T: Copy>(&mut self, numbers: Result<Few<T>, NoMemory>) -> Option<Few<T>> {
        self.allocated |= numbers.as_ref().is_ok_and(Few::is_allocated);
        self.parts.out_of_memory |= numbers.is_err();
        numbers.ok()
    }
}

/// Parses a format that is not short; `None` if there is no memory.
#[cfg(feature = "format")]
#[cold]
#[inline(never)]
fn parse(text: &str) -> Result<Option<Box<Format>>, FormatError> {
    Ok(boxed(Format::parse(text)?).ok())
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

    #[inline]
    fn declaration(&self, _descriptor: &Descriptor) -> Declaration<'_> {
        let parts = &*self.parts;
        #[cfg(feature = "format")]
        let item = match (&parts.short, &parts.parsed) {
            (Some(format), _) => Some(Item { format: format.as_c_str(), itemsize: format.itemsize() }),
            (None, Some(format)) => Some(Item { format: format.as_c_str(), itemsize: format.itemsize() }),
            (None, None) => None,
        };
        #[cfg(not(feature = "format"))]
        let item = None;
        Declaration {
            extents: parts.extents.as_ref().map(Few::as_slice),
            offset: parts.offset,
            strides: parts.strides.as_ref().map(Few::as_slice),
            item,
            readonly: parts.readonly,
            out_of_memory: parts.out_of_memory,
            serial: 0,
        }
    }

    fn varies(&self) -> bool {
        true
    }

    fn still_says(&self, _offset: &dyn Fn() -> isize, _arrays: &[isize]) -> bool {
        // Any part may have changed.
        false
    }
}

/// The type of a format if the feature `format` is off; it has no values.
#[cfg(not(feature = "format"))]
#[diagnostic::on_unimplemented(
    message = "the feature `format` of `buffer-runtime` is off",
    label = "needs that feature",
    note = "write `features = [\"format\"]` beside `buffer-runtime` in `Cargo.toml`, or leave its default features on"
)]
pub trait NeedsFeature {
    /// The text.
    fn text(&self) -> &str;
}

/// The text of a format. As [`Numbers`], it is called by its name.
#[cfg(feature = "format")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a format",
    label = "not a text",
    note = "write a text, as in `format = \"d\"`, or an expression that gives a `Format`, a `String` or a `&str`; it may use `?` \
            on a `PyResult` of one"
)]
pub trait FormatText {
    /// The text.
    fn text(&self) -> &str;
}

#[cfg(feature = "format")]
#[diagnostic::do_not_recommend]
impl<T: AsRef<str> + ?Sized> FormatText for T {
    #[inline(always)]
    fn text(&self) -> &str {
        self.as_ref()
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
    ///
    /// # Errors
    ///
    /// There is no memory for them.
    fn dims(&self) -> Result<Few<Dim>, NoMemory>;

    /// As strides.
    ///
    /// # Errors
    ///
    /// There is no memory for them.
    fn distances(&self) -> Result<Few<Distance>, NoMemory>;
}

macro_rules! numbers {
    ($([$($generics:tt)*] $slice:ty,)*) => {$(
        impl<$($generics)*> Numbers for $slice {
            #[inline]
            fn dims(&self) -> Result<Few<Dim>, NoMemory> {
                Few::of(self.iter().map(|&number| Dim::of(number)), Dim::Inferred)
            }

            #[inline]
            fn distances(&self) -> Result<Few<Distance>, NoMemory> {
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
    fn dims(&self) -> Result<Few<Dim>, NoMemory> {
        (**self).dims()
    }

    fn distances(&self) -> Result<Few<Distance>, NoMemory> {
        (**self).distances()
    }
}
