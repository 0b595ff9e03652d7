//! The rules about fields that properties export.

use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Lit, Member, Meta, Token};

use super::Property;
use super::class::check_bare_cell;
use crate::ast::{Field, Input};
use crate::attr::FieldAttrs;
use crate::ctxt::Ctxt;

pub(super) fn check_properties(ctxt: &Ctxt, input: &Input) {
    for field in &input.fields {
        check_belongs_to_property(ctxt, &field.attrs);
        if field.attrs.get.is_given() {
            check_one_getter(ctxt, field);
            check_has_name(ctxt, field);
            // The object's own buffer is checked separately.
            if !field.attrs.own.is_given() {
                check_bare_cell(ctxt, field);
            }
        }
    }
    check_names_differ(ctxt, input);
    check_array_is_own(ctxt, input);
}

/// The property of a field with `get`.
pub(super) fn property(field: &Field) -> Option<Property> {
    let FieldAttrs { get, name, .. } = &field.attrs;
    let get = get.name()?;
    let (name, span) = match (name.value(), &field.member) {
        (Some(name), _) => (name.value(), name.span()),
        (None, Member::Named(field)) => (field.unraw().to_string(), field.span()),
        // This was reported.
        (None, Member::Unnamed(_)) => (String::new(), get.span()),
    };
    Some(Property { name, span, doc: doc(field.raw_attrs) })
}

fn check_belongs_to_property(ctxt: &Ctxt, attrs: &FieldAttrs) {
    if attrs.get.is_given() {
        return;
    }
    if let Some(name) = attrs.name.name() {
        ctxt.error_spanned_by(name, "`name` is the name of a property; write `get` beside it, or remove `name`");
    }
    if let Some(own) = attrs.own.name() {
        ctxt.error_spanned_by(own, "without `get`, the field is the object's own buffer; remove `own`");
    }
}

fn check_has_name(ctxt: &Ctxt, field: &Field) {
    let FieldAttrs { get, name, .. } = &field.attrs;
    if let (Member::Unnamed(_), None, Some(get)) = (&field.member, name.value(), get.name()) {
        ctxt.error_spanned_by(
            get,
            "this field has no name for the property; write one, as in `get, name = \"values\"`",
        );
    }
}

/// Visible only if the derive stands above `#[pyclass]`.
fn check_one_getter(ctxt: &Ctxt, field: &Field) {
    for attr in field.raw_attrs {
        let mut options = pyo3_options(attr).into_iter();
        if let Some(get) = options.find(|option| option.path().is_ident("get")) {
            ctxt.error_spanned_by(get, "`#[buffer(get)]` is the property of this field; remove this `get`");
        }
    }
}

fn check_names_differ(ctxt: &Ctxt, input: &Input) {
    let mut taken = Vec::new();
    for field in &input.fields {
        if !field.attrs.get.is_given() {
            taken.extend(pyo3_property(field));
        }
    }
    for field in &input.fields {
        let Some(property) = property(field) else { continue };
        if taken.contains(&property.name) {
            let text = format!(
                "the class has another property `{}`; give this one a name of its own, as in `name = \"values\"`",
                property.name
            );
            ctxt.error(property.span, text);
        }
        taken.push(property.name);
    }
}

/// `__array__` belongs to the object's own buffer.
fn check_array_is_own(ctxt: &Ctxt, input: &Input) {
    let is_own =
        |field: &Field| field.attrs.own.is_given() || !field.attrs.get.is_given() && field.attrs.mark.is_some();
    let any_property = input.fields.iter().any(|field| field.attrs.get.is_given());
    if let Some(no_array) = input.attrs.no_array.name()
        && any_property
        && !input.fields.iter().any(is_own)
    {
        ctxt.error_spanned_by(
            no_array,
            "the object has no buffer of its own, and so no `__array__`; remove `no_array`",
        );
    }
}

/// The property that `#[pyo3(get)]` makes of a field.
fn pyo3_property(field: &Field) -> Option<String> {
    let mut options = Vec::new();
    for attr in field.raw_attrs {
        options.extend(pyo3_options(attr));
    }
    options.iter().find(|option| option.path().is_ident("get"))?;
    let name = options.iter().find_map(|option| match option {
        Meta::NameValue(option) if option.path.is_ident("name") => text(&option.value),
        _ => None,
    });
    match (name, &field.member) {
        (Some(name), _) => Some(name),
        (None, Member::Named(field)) => Some(field.unraw().to_string()),
        (None, Member::Unnamed(_)) => None,
    }
}

fn pyo3_options(attr: &Attribute) -> Vec<Meta> {
    let Meta::List(list) = &attr.meta else { return Vec::new() };
    if !list.path.is_ident("pyo3") {
        return Vec::new();
    }
    let options = Punctuated::<Meta, Token![,]>::parse_terminated.parse2(list.tokens.clone());
    options.map_or_else(|_| Vec::new(), |options| options.into_iter().collect())
}

/// The documentation of a field, as PyO3 reads it.
fn doc(attrs: &[Attribute]) -> Option<String> {
    let lines = attrs.iter().filter_map(|attr| match &attr.meta {
        Meta::NameValue(doc) if doc.path.is_ident("doc") => text(&doc.value),
        _ => None,
    });
    let lines: Vec<String> = lines.map(|line| line.strip_prefix(' ').unwrap_or(&line).to_owned()).collect();
    (!lines.is_empty()).then(|| lines.join("\n")).filter(|doc| !doc.contains('\0'))
}

fn text(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}
