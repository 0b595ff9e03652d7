//! Collects every error of a derive, so that one compilation reports them all.

use std::cell::RefCell;
use std::fmt::Display;
use std::thread;

use proc_macro2::Span;
use quote::ToTokens;
use syn::Error;

/// The errors found so far.
///
/// [`Ctxt::check`] must be called before it is dropped: an error that is never checked would turn a mistake in the
/// user's code into a wrong expansion.
pub(crate) struct Ctxt {
    /// `None` once checked.
    errors: RefCell<Option<Vec<Error>>>,
}

impl Ctxt {
    pub(crate) fn new() -> Self {
        Self { errors: RefCell::new(Some(Vec::new())) }
    }

    /// Records an error that underlines `tokens`.
    pub(crate) fn error_spanned_by(&self, tokens: impl ToTokens, message: impl Display) {
        self.push(spanned(&tokens, &message));
    }

    /// Records an error that underlines `span`.
    pub(crate) fn error(&self, span: Span, message: impl Display) {
        self.push(Error::new(span, message));
    }

    /// Records an error that a parser returned.
    pub(crate) fn push(&self, error: Error) {
        self.errors.borrow_mut().as_mut().expect("an error was recorded after the check").push(error);
    }

    /// Whether there was an error so far.
    pub(crate) fn has_errors(&self) -> bool {
        self.errors.borrow().as_ref().is_some_and(|errors| !errors.is_empty())
    }

    /// The output of a derive, or all errors as one.
    ///
    /// # Panics
    ///
    /// `made` is `None`, and no error was recorded.
    pub(crate) fn finish<T>(self, made: Option<T>) -> Result<T, Error> {
        self.check()?;
        Ok(made.expect("nothing was made of the input, but no error was recorded"))
    }

    /// All errors as one, if there were any.
    pub(crate) fn check(self) -> Result<(), Error> {
        combined(self.errors.take().into_iter().flatten()).map_or(Ok(()), Err)
    }
}

/// The error, compiled once and not for each kind of tokens: every user's build compiles this crate.
fn spanned(tokens: &dyn ToTokens, message: &dyn Display) -> Error {
    Error::new_spanned(tokens, message)
}

/// All of `errors` as one, if there are any.
pub(crate) fn combined(errors: impl Iterator<Item = Error>) -> Option<Error> {
    errors.reduce(|mut all, error| {
        all.combine(error);
        all
    })
}

impl Drop for Ctxt {
    fn drop(&mut self) {
        // A second panic while unwinding would abort and hide the first.
        let checked = self.errors.borrow().is_none();
        assert!(checked || thread::panicking(), "the errors of a derive were never checked");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_returns_every_error_in_order() {
        let ctxt = Ctxt::new();
        ctxt.error(Span::call_site(), "first");
        ctxt.error_spanned_by(quote::quote!(x), "second");
        let messages: Vec<String> = ctxt.check().unwrap_err().into_iter().map(|error| error.to_string()).collect();
        assert_eq!(messages, ["first", "second"]);
    }

    #[test]
    fn check_without_errors_is_ok() {
        assert!(Ctxt::new().check().is_ok());
    }

    #[test]
    #[should_panic(expected = "never checked")]
    fn dropping_it_unchecked_panics() {
        drop(Ctxt::new());
    }
}
