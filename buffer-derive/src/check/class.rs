//! The rules about the struct as a whole, and about which of its fields is exported.

use proc_macro2::TokenTree;
use quote::ToTokens;
use syn::{Attribute, GenericParam, Ident, Member, Meta};

use crate::ast::form::{is_several_cells, is_storage, is_value, mentions, wrapped_cell, written};
use crate::ast::{Field, Input, Style};
use crate::attr::FieldAttrs;
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

/// The field that is the object's own buffer: the one that is marked, or else the one that is an `ExportCell`. There is
/// none if properties export all marked fields.
pub(super) fn check_own_field<'a>(ctxt: &Ctxt, input: &'a Input) -> Option<&'a Field<'a>> {
    let is_own = |field: &&Field| {
        let FieldAttrs { mark, get, own, .. } = &field.attrs;
        mark.is_some() && (!get.is_given() || own.is_given())
    };
    let marked: Vec<&Field> = input.fields.iter().filter(is_own).collect();
    if marked.is_empty() && input.fields.iter().any(|field| field.attrs.get.is_given()) {
        return None;
    }
    let mut cells: Vec<&Field> = input.fields.iter().filter(|field| field.is_cell()).collect();
    // A cell that begins anew in an unpickled object is hardly the one to export.
    if cells.iter().any(|cell| !cell.attrs.default.is_given()) {
        cells.retain(|cell| !cell.attrs.default.is_given());
    }
    match (marked.as_slice(), cells.as_slice()) {
        ([one], [cell, ..]) if is_value(one.ty) => ctxt.error_spanned_by(
            one.tokens(),
            format_args!("this field is no memory to export; move its `#[buffer]` to `{}`", shown(&cell.member)),
        ),
        ([one], _) | ([], [one]) => {
            check_bare_cell(ctxt, one);
            return Some(one);
        }
        ([_, others @ ..], _) => {
            for other in others {
                if let Some(own) = other.attrs.own.name() {
                    ctxt.error_spanned_by(own, "another field is the object's own buffer; remove `own`");
                } else if let Some(mark) = other.attrs.mark {
                    ctxt.error(
                        mark,
                        "another field is the object's own buffer; write `#[buffer(get)]` here, so that a property exports \
                         this one",
                    );
                }
            }
        }
        ([], [_, second, ..]) => ctxt.error_spanned_by(
            second.tokens(),
            "more than one field is an `ExportCell`; write `#[buffer]` on the one to export, or `#[buffer(get)]` on each to \
             export it as a property",
        ),
        ([], []) => match input.fields.iter().find(|field| mentions(field.ty, "ExportCell")) {
            Some(field) => check_bare_cell(ctxt, field),
            None => ctxt.error_spanned_by(input.ident, no_field(input)),
        },
    }
    None
}

/// Checks that the field is neither a cell inside a wrapper nor something without a cell. The compiler would refuse it
/// too, but could not say what to write.
pub(super) fn check_bare_cell(ctxt: &Ctxt, field: &Field) {
    let ty = field.ty;
    if let Some(cell) = wrapped_cell(ty) {
        let cell = written(cell);
        ctxt.error_spanned_by(ty, format_args!("an `ExportCell` locks and shares by itself; write `{cell}`"));
    } else if is_storage(ty) {
        let storage = written(ty);
        ctxt.error_spanned_by(
            ty,
            format_args!("views of this memory would dangle when it moves; write `ExportCell<{storage}>`"),
        );
    } else if is_several_cells(ty) || (field.attrs.mark.is_none() && !field.is_cell()) {
        ctxt.error_spanned_by(
            ty,
            "a buffer is one `ExportCell`, in a field of its own; write `ExportCell<Vec<f32>>`, or `ExportCell<Rows<f32>>` \
             for rows that are allocated one by one",
        );
    }
}

fn shown(member: &Member) -> String {
    member.to_token_stream().to_string()
}

fn no_field(input: &Input) -> String {
    let ident = input.ident;
    let storage = input.fields.iter().find(|field| is_storage(field.ty));
    let cell = format!("ExportCell<{}>", storage.map_or_else(|| "Vec<f32>".to_owned(), |field| written(field.ty)));
    let example = match (input.style, storage.map(|field| &field.member)) {
        (Style::Named, Some(Member::Named(name))) => format!("`{name}: {cell}`"),
        (Style::Named, _) => format!("`data: {cell}`"),
        (Style::Tuple, _) => format!("`struct {ident}({cell});`"),
        (Style::Unit, _) => format!("`struct {ident} {{ data: {cell} }}`"),
    };
    format!(
        "no field to export; hold the data in an `ExportCell`, as in {example}, \
         and mark it with `#[buffer]` if its type has another name"
    )
}
