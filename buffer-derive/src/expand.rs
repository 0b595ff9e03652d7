//! Emits the expansions of the derives, one module for each derive.
//!
//! Items are not hygienic: the user's tokens in a block see every item that the block declares or imports, and could
//! implement or call it. So nothing is imported, and everything except the user's own tokens is named by its whole
//! path.

pub(crate) mod element;
pub(crate) mod export;
mod externs;

use std::env;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Error, Path, Result};

use crate::attr::Setting;

/// The path of `buffer_runtime::private`, through which the expansion names every item of the runtime.
pub(crate) struct Runtime {
    path: TokenStream,
    /// Whether the user wrote the path.
    given: bool,
}

impl Runtime {
    fn of(krate: Option<&Path>) -> Self {
        let krate_path = krate.map_or_else(|| quote!(::buffer_runtime), ToTokens::to_token_stream);
        Self { path: quote!(#krate_path::private), given: krate.is_some() }
    }

    /// Checks that there is a crate at the usual path, unless the user wrote another.
    fn check(ident: &Ident, krate: &Setting<Path>) -> Result<()> {
        match (krate, externs::problem(env::args())) {
            (Setting::Absent, Some(problem)) => Err(Error::new_spanned(ident, problem)),
            _ => Ok(()),
        }
    }

    /// The path, for errors at `span`. A path that the user wrote keeps its own span, so that a wrong one gives one
    /// error.
    fn at(&self, span: Span) -> TokenStream {
        if self.given {
            return self.path.clone();
        }
        let located = |mut token: TokenTree| {
            token.set_span(token.span().located_at(span));
            token
        };
        self.path.clone().into_iter().map(located).collect()
    }
}

impl ToTokens for Runtime {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.path.to_tokens(tokens);
    }
}
