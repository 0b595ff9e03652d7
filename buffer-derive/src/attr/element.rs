//! `#[buffer(...)]` and `#[repr(...)]` of a record -> typed attributes.

use syn::parse::ParseStream;
use syn::{Attribute, Error, Expr, ExprLit, Ident, Lit, LitStr, Path, Result, Token, Type, token};

use super::unknown::unknown;
use super::value::{crate_path, flag, value};
use super::{FIELD_OPTIONS, Setting, buffer_attributes, for_each_option, ungroup};
use crate::ctxt::Ctxt;

/// The options of a record.
pub(crate) struct RecordAttrs {
    /// The path of `buffer_runtime`, if it is not the usual one.
    pub(crate) krate: Setting<Path>,
}

/// The options of a field of a record.
pub(crate) struct ElementAttrs {
    pub(crate) rename: Setting<LitStr>,
    pub(crate) described_as: Setting<Type>,
    pub(crate) padding: Setting<()>,
}

/// The layout that all `#[repr(...)]` attributes of a struct together determine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Repr {
    /// Fields in the order of their declaration, packed or not.
    C,
    /// The layout of the one field that has bytes.
    Transparent,
    /// Any layout that the compiler chooses.
    Rust,
}

const RECORD_OPTIONS: [&str; 1] = ["crate"];
pub(crate) const ELEMENT_OPTIONS: [&str; 3] = ["rename", "as", "padding"];

impl RecordAttrs {
    pub(crate) fn from_syn(ctxt: &Ctxt, attrs: &[Attribute]) -> Self {
        let mut record = Self { krate: Setting::Absent };
        for attr in buffer_attributes(attrs) {
            for_each_option(ctxt, attr, &RECORD_OPTIONS, &mut |name, input| match name.to_string().as_str() {
                "crate" => record.krate.set(ctxt, name, crate_path(name, input)),
                other if ELEMENT_OPTIONS.contains(&other) => Err(Error::new(
                    name.span(),
                    format!("`{other}` belongs in the `#[buffer(...)]` of a field; move it there"),
                )),
                _ => Err(unknown(name, &RECORD_OPTIONS)),
            });
        }
        record
    }
}

impl ElementAttrs {
    pub(crate) fn from_syn(ctxt: &Ctxt, attrs: &[Attribute]) -> Self {
        let mut field = Self { rename: Setting::Absent, described_as: Setting::Absent, padding: Setting::Absent };
        for attr in buffer_attributes(attrs) {
            for_each_option(ctxt, attr, &ELEMENT_OPTIONS, &mut |name, input| match name.to_string().as_str() {
                "rename" => field.rename.set(ctxt, name, rename(name, input)),
                "as" => field.described_as.set(ctxt, name, described_as(name, input)),
                "padding" => field.padding.set(ctxt, name, flag(name, input)),
                other if RECORD_OPTIONS.contains(&other) => Err(Error::new(
                    name.span(),
                    format!("`{other}` belongs in a `#[buffer(...)]` above the struct; move it there"),
                )),
                other if FIELD_OPTIONS.contains(&other) && other != "name" => Err(Error::new(
                    name.span(),
                    format!(
                        "`{other}` is for the `ExportCell` of a class, which derives `ExportBuffer`; move it there"
                    ),
                )),
                _ => Err(unknown(name, &ELEMENT_OPTIONS)),
            });
        }
        field
    }
}

impl Repr {
    /// Reads the options that determine the layout; rustc checks the others.
    pub(crate) fn from_syn(attrs: &[Attribute]) -> Self {
        let mut repr = Self::Rust;
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("repr")) {
            let read = attr.parse_nested_meta(|meta| {
                if meta.path.is_ident("C") {
                    repr = Self::C;
                } else if meta.path.is_ident("transparent") {
                    repr = Self::Transparent;
                } else if meta.input.peek(token::Paren) {
                    // The number in `packed(2)` and `align(16)`.
                    let content;
                    syn::parenthesized!(content in meta.input);
                    content.parse::<Expr>()?;
                }
                Ok(())
            });
            if read.is_err() {
                // rustc reports this error.
                return Self::Rust;
            }
        }
        repr
    }
}

fn rename(name: &Ident, input: ParseStream) -> Result<LitStr> {
    const FORM: &str = "the name in quotes, as in `rename = \"charge\"`";
    if let (true, Some((keyword, _))) =
        (input.peek(Token![=]), input.cursor().token_tree().and_then(|(_, rest)| rest.ident()))
    {
        return Err(Error::new(
            keyword.span(),
            format!("`rename` must be the name in quotes; write `rename = \"{keyword}\"`"),
        ));
    }
    let value = value(name, input, FORM)?;
    match ungroup(&value) {
        Expr::Lit(ExprLit { lit: Lit::Str(string), .. }) => Ok(string.clone()),
        _ => Err(Error::new_spanned(value, format!("`rename` must be {FORM}"))),
    }
}

fn described_as(name: &Ident, input: ParseStream) -> Result<Type> {
    let missing = || Error::new(name.span(), "`as` needs a type; write an element, as in `as = [f32; 3]`");
    input.parse::<Token![=]>().map_err(|_| missing())?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(missing());
    }
    if input.peek(LitStr) {
        let quoted: LitStr = input.parse()?;
        return Err(Error::new_spanned(
            &quoted,
            format!("`as` takes a type without quotes; write `as = {}`", quoted.value()),
        ));
    }
    input.parse()
}

#[cfg(test)]
mod tests;
