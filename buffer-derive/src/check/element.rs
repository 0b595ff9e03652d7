//! The rules between the parts of a record, one `check_*` function each, and the result if no rule is broken.
//!
//! The expansion makes the compiler prove what depends on types: that each field is an element, and that there is no
//! padding.

use syn::{GenericParam, Generics, Ident, LitStr, Path, Result};

use super::is_deprecated;
use crate::ast::element::{RecordField, RecordInput};
use crate::attr::element::Repr;
use crate::ctxt::Ctxt;

/// A struct that can be an element, as far as its form shows.
pub(crate) struct Record<'a> {
    pub(crate) ident: &'a Ident,
    /// Without lifetimes.
    pub(crate) generics: &'a Generics,
    /// The path of `buffer_runtime`, if it is not the usual one.
    pub(crate) krate: Option<&'a Path>,
    /// Whether the struct or a field is deprecated, so that naming it would warn.
    pub(crate) deprecated: bool,
    pub(crate) form: Form<'a>,
    /// Fields without bytes.
    pub(crate) markers: Vec<&'a RecordField<'a>>,
}

/// The form in which Python sees a struct.
pub(crate) enum Form<'a> {
    /// One field or more.
    Fields(Vec<Named<'a>>),
    /// The form in which Python sees the one field.
    Transparent(&'a RecordField<'a>),
}

/// A field, and its name in Python.
pub(crate) struct Named<'a> {
    pub(crate) field: &'a RecordField<'a>,
    /// Without a colon or a NUL, and different from all others; `None` for padding.
    pub(crate) name: Option<String>,
}

/// Checks a record against every rule. `input` is `None` only if an error was recorded.
///
/// # Errors
///
/// All errors that `ctxt` has by then.
pub(crate) fn check<'a>(ctxt: Ctxt, input: Option<&'a RecordInput>) -> Result<Record<'a>> {
    let record = input.and_then(|input| check_all(&ctxt, input));
    ctxt.finish(record)
}

/// Checks every rule and records what breaks one. The result is valid only if `ctxt` has no errors.
fn check_all<'a>(ctxt: &Ctxt, input: &'a RecordInput) -> Option<Record<'a>> {
    let (markers, fields): (Vec<_>, Vec<_>) = input.fields.iter().partition(|field| field.is_marker());
    check_no_lifetimes(ctxt, input);
    for marker in &markers {
        check_marker_has_no_options(ctxt, marker);
    }
    for field in &fields {
        if let Some(name) = field.attrs.rename.value() {
            check_name(ctxt, name);
        }
    }
    let form = match input.repr {
        Repr::C => Form::Fields(check_fields(ctxt, input, &fields)),
        Repr::Transparent => Form::Transparent(check_transparent(ctxt, input, &fields)?),
        Repr::Rust => {
            ctxt.error_spanned_by(
                input.ident,
                format_args!(
                    "the compiler may put the fields of `{}` in any order; write `#[repr(C)]` above it",
                    input.ident
                ),
            );
            return None;
        }
    };
    let deprecated = input.fields.iter().any(|field| is_deprecated(field.raw_attrs));
    Some(Record {
        ident: input.ident,
        generics: input.generics,
        krate: input.attrs.krate.value(),
        deprecated: deprecated || is_deprecated(input.raw_attrs),
        form,
        markers,
    })
}

fn check_no_lifetimes(ctxt: &Ctxt, input: &RecordInput) {
    for param in &input.generics.params {
        if let GenericParam::Lifetime(lifetime) = param {
            ctxt.error_spanned_by(lifetime, "an element cannot borrow; remove the lifetime and store the value itself");
        }
    }
}

fn check_marker_has_no_options(ctxt: &Ctxt, marker: &RecordField) {
    let attrs = &marker.attrs;
    for option in [attrs.rename.name(), attrs.described_as.name(), attrs.padding.name()].into_iter().flatten() {
        ctxt.error_spanned_by(option, "a `PhantomData` has no bytes for Python to see; remove this option");
    }
}

fn check_name(ctxt: &Ctxt, name: &LitStr) {
    let value = name.value();
    if value.is_empty() {
        ctxt.error_spanned_by(
            name,
            "the name is empty; write one, or `padding` in place of `rename` to hide the field",
        );
    }
    for (character, called) in [(':', "a colon"), ('\0', "a NUL")] {
        if value.contains(character) {
            ctxt.error_spanned_by(
                name,
                format_args!("a name cannot hold {called}, which a format ends names with; remove it"),
            );
        }
    }
}

fn check_fields<'a>(ctxt: &Ctxt, input: &RecordInput, fields: &[&'a RecordField<'a>]) -> Vec<Named<'a>> {
    let named: Vec<Named> = fields.iter().map(|field| Named { field, name: python_name(ctxt, field) }).collect();
    if named.iter().all(|named| named.name.is_none()) {
        ctxt.error_spanned_by(
            input.ident,
            "there is no field that Python could see; write one, as in `value: f32`, or remove the derive",
        );
    }
    for (index, Named { field, name }) in named.iter().enumerate() {
        if let Some(name) = name
            && named[..index].iter().any(|earlier| earlier.name.as_ref() == Some(name))
        {
            let message = format_args!("another field is called {name:?} already; give one of the two another name");
            match field.attrs.rename.value() {
                Some(rename) => ctxt.error_spanned_by(rename, message),
                None => ctxt.error_spanned_by(field.tokens(), message),
            }
        }
    }
    named
}

fn python_name(ctxt: &Ctxt, field: &RecordField) -> Option<String> {
    let renamed = field.attrs.rename.value().map(LitStr::value);
    if field.attrs.padding.value().is_none() {
        return Some(renamed.unwrap_or_else(|| field.name()));
    }
    if let Some(rename) = field.attrs.rename.name() {
        ctxt.error_spanned_by(rename, "`padding` has no name for Python; remove one of the two options");
    }
    None
}

/// The one field that has bytes. If another field has bytes too, rustc reports it.
fn check_transparent<'a>(
    ctxt: &Ctxt,
    input: &RecordInput,
    fields: &[&'a RecordField<'a>],
) -> Option<&'a RecordField<'a>> {
    for option in fields.iter().flat_map(|field| [field.attrs.rename.name(), field.attrs.padding.name()]).flatten() {
        ctxt.error_spanned_by(
            option,
            format_args!(
                "`{option}` has no meaning in a transparent struct, which is to Python what its field is; remove it, or \
                 write `#[repr(C)]` for a record of one field"
            ),
        );
    }
    match fields {
        [only] => Some(only),
        [] => {
            ctxt.error_spanned_by(
                input.ident,
                "there is no field that Python could see; write one, as in `value: f32`, or remove the derive",
            );
            None
        }
        [_, others @ ..] => {
            for other in others {
                ctxt.error_spanned_by(
                    other.tokens(),
                    "a transparent struct has one field besides `PhantomData`; remove this one, or write `#[repr(C)]`",
                );
            }
            None
        }
    }
}

#[cfg(test)]
mod tests;
