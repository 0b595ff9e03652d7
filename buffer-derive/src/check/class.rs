//! The rules about the struct as a whole, and about which of its fields is exported.

use proc_macro2::TokenTree;
use syn::{Attribute, GenericParam, Ident, Meta};

use crate::ast::{Field, Input, Style};
use crate::ctxt::Ctxt;

pub(super) fn check_not_generic(ctxt: &Ctxt, input: &Input) {
    let params = &input.generics.params;
    if params.is_empty() {
        return;
    }
    let message = if params.iter().all(|param| matches!(param, GenericParam::Lifetime(_))) {
        "a Python class cannot borrow; remove the lifetime and let the `ExportCell` own the data"
    } else {
        "a Python class cannot be generic; write a struct for each type, as in `MatrixF32` and `MatrixF64`"
    };
    ctxt.error_spanned_by(params, message);
}

pub(super) fn check_sendable(ctxt: &Ctxt, input: &Input) {
    // Visible only if the derive stands above `#[pyclass]`; otherwise the runtime's bounds refuse it.
    for option in input.raw_attrs.iter().flat_map(pyclass_options) {
        if option == "unsendable" {
            ctxt.error_spanned_by(
                option,
                "remove `unsendable`: Python may release a view on any thread, \
                 so the class must be usable on every thread",
            );
        }
    }
}

/// All identifiers in `#[pyclass(...)]` and `#[pyo3(...)]`, including the options.
fn pyclass_options(attr: &Attribute) -> impl Iterator<Item = Ident> {
    let name = attr.path().segments.last().map(|segment| &segment.ident);
    let tokens = match &attr.meta {
        Meta::List(list) if name.is_some_and(|name| name == "pyclass" || name == "pyo3") => Some(list.tokens.clone()),
        _ => None,
    };
    tokens.into_iter().flatten().filter_map(|token| match token {
        TokenTree::Ident(ident) => Some(ident),
        _ => None,
    })
}

/// The one field that is marked, or else the one that is an `ExportCell`.
pub(super) fn check_exported_field<'a>(ctxt: &Ctxt, input: &'a Input) -> Option<&'a Field<'a>> {
    let marked = |field: &&Field| field.attrs.mark.is_some();
    let marked: Vec<&Field> = input.fields.iter().filter(marked).collect();
    let cells: Vec<&Field> = input.fields.iter().filter(|field| field.is_cell()).collect();
    match (marked.as_slice(), cells.as_slice()) {
        ([one], _) | ([], [one]) => return Some(one),
        ([_, others @ ..], _) => {
            for mark in others.iter().filter_map(|field| field.attrs.mark) {
                ctxt.error(mark, "only one field can be exported; remove this `#[buffer]` or the one before it");
            }
        }
        ([], [_, second, ..]) => ctxt.error_spanned_by(
            second.tokens(),
            "more than one field is an `ExportCell`; write `#[buffer]` on the one to export",
        ),
        ([], []) => ctxt.error_spanned_by(input.ident, no_field(input)),
    }
    None
}

fn no_field(input: &Input) -> String {
    let ident = input.ident;
    let example = match input.style {
        Style::Named => "`data: ExportCell<Vec<f32>>`".to_owned(),
        Style::Tuple => format!("`struct {ident}(ExportCell<Vec<f32>>);`"),
        Style::Unit => format!("`struct {ident} {{ data: ExportCell<Vec<f32>> }}`"),
    };
    format!(
        "no field to export; hold the data in an `ExportCell`, as in {example}, \
         and mark it with `#[buffer]` if its type has another name"
    )
}
