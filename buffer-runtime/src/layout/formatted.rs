//! The format of a declaration, which is known only at run time.

#[cfg(not(feature = "format"))]
pub use self::off::{Parsed, Unparsed};
#[cfg(feature = "format")]
pub use self::on::{Parsed, Unparsed};

use super::Item;

/// Why a format is refused.
#[cfg(feature = "format")]
pub(crate) type FormatRefused = crate::format::FormatError;
/// Nothing is refused.
#[cfg(not(feature = "format"))]
pub(crate) type FormatRefused = std::convert::Infallible;

/// The format of a declaration; `()` where the class does not declare it.
pub trait FormatPart {
    /// What the text describes; `None` if nothing is declared, or if `is_lost`.
    fn item(&self) -> Option<Item<'_>>;

    /// Whether a format is declared, but is none, or there was no memory for it.
    fn is_lost(&self) -> bool {
        false
    }

    /// The text, if it is not parsed yet.
    #[inline(always)]
    fn text(&self) -> Option<&str> {
        None
    }

    /// Parses the text.
    ///
    /// # Errors
    ///
    /// It is not a format, or there is no memory.
    fn check(&self) -> Result<(), FormatRefused> {
        Ok(())
    }
}

impl FormatPart for () {
    #[inline(always)]
    fn item(&self) -> Option<Item<'_>> {
        None
    }
}

impl<F: FormatPart> FormatPart for Option<F> {
    fn item(&self) -> Option<Item<'_>> {
        self.as_ref().and_then(F::item)
    }

    fn is_lost(&self) -> bool {
        self.as_ref().is_some_and(F::is_lost)
    }

    fn text(&self) -> Option<&str> {
        self.as_ref().and_then(F::text)
    }

    fn check(&self) -> Result<(), FormatRefused> {
        self.as_ref().map_or(Ok(()), F::check)
    }
}

#[cfg(feature = "format")]
mod on {
    use std::cell::OnceCell;
    use std::mem::ManuallyDrop;

    use super::{FormatPart, Item};
    use crate::format::{Format, FormatError, Short};
    use crate::memory::boxed;

    /// The value of an expression, which does not outlive the evaluation.
    #[derive(Debug)]
    pub struct Parsed(Kind);

    #[derive(Debug)]
    enum Kind {
        Short(Short),
        Long(Box<Format>),
    }

    impl Parsed {
        /// # Errors
        ///
        /// The text is not a format that [`Format::parse`] accepts, or there is no memory.
        #[inline(always)]
        pub fn of(text: &str) -> Result<Self, FormatError> {
            match Short::of(text) {
                Some(format) => Ok(Self(Kind::Short(format))),
                None => Self::long(text),
            }
        }

        #[cold]
        #[inline(never)]
        fn long(text: &str) -> Result<Self, FormatError> {
            let format = boxed(Format::parse(text)?).map_err(|_| FormatError::out_of_memory(text))?;
            Ok(Self(Kind::Long(format)))
        }
    }

    impl FormatPart for Parsed {
        #[inline]
        fn item(&self) -> Option<Item<'_>> {
            Some(match &self.0 {
                Kind::Short(format) => Item { format: format.as_c_str(), itemsize: format.itemsize() },
                Kind::Long(format) => Item { format: format.as_c_str(), itemsize: format.itemsize() },
            })
        }
    }

    /// A literal, or the value of a field of the class. It is parsed only if it is not the text of the last layout.
    #[derive(Debug)]
    pub struct Unparsed<'a> {
        text: &'a str,
        parsed: ManuallyDrop<OnceCell<Result<Parsed, FormatError>>>,
    }

    impl Drop for Unparsed<'_> {
        // Inlined, so that compilers see that a format which was never parsed needs nothing.
        #[inline(always)]
        fn drop(&mut self) {
            if self.parsed.get().is_some() {
                // SAFETY: the format is not used afterwards.
                free(unsafe { ManuallyDrop::take(&mut self.parsed) });
            }
        }
    }

    /// It takes a value, so that nothing refers to a declaration, which compilers then keep in registers.
    #[cold]
    #[inline(never)]
    fn free(parsed: OnceCell<Result<Parsed, FormatError>>) {
        drop(parsed);
    }

    impl<'a> Unparsed<'a> {
        /// A text that is not parsed yet.
        #[must_use]
        #[inline(always)]
        pub fn of(text: &'a str) -> Self {
            Self { text, parsed: ManuallyDrop::new(OnceCell::new()) }
        }

        fn parsed(&self) -> &Result<Parsed, FormatError> {
            self.parsed.get_or_init(|| Parsed::of(self.text))
        }
    }

    impl FormatPart for Unparsed<'_> {
        fn item(&self) -> Option<Item<'_>> {
            self.parsed().as_ref().ok()?.item()
        }

        fn is_lost(&self) -> bool {
            self.parsed().is_err()
        }

        #[inline(always)]
        fn text(&self) -> Option<&str> {
            Some(self.text)
        }

        fn check(&self) -> Result<(), FormatError> {
            self.parsed().as_ref().map(|_| ()).map_err(FormatError::clone)
        }
    }
}

#[cfg(not(feature = "format"))]
mod off {
    use std::convert::Infallible;
    use std::marker::PhantomData;

    use super::{FormatPart, Item};

    /// The value of an expression, which does not compile.
    #[derive(Debug)]
    pub struct Parsed(());

    impl Parsed {
        /// # Errors
        ///
        /// None.
        pub fn of(_: &str) -> Result<Self, Infallible> {
            Ok(Self(()))
        }
    }

    impl FormatPart for Parsed {
        fn item(&self) -> Option<Item<'_>> {
            None
        }
    }

    /// A literal or a field, which does not compile.
    #[derive(Debug)]
    pub struct Unparsed<'a>(PhantomData<&'a str>);

    impl<'a> Unparsed<'a> {
        /// Never called.
        #[must_use]
        pub fn of(_: &'a str) -> Self {
            Self(PhantomData)
        }
    }

    impl FormatPart for Unparsed<'_> {
        fn item(&self) -> Option<Item<'_>> {
            None
        }
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

/// The text of a format. As [`Numbers`](super::Numbers), it is called by its name.
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
