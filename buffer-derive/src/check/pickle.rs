//! What a pickle keeps of each field.

use syn::Member;
use syn::ext::IdentExt;

use super::{ExportedField, Kept, Pickle, PickledField};
use crate::ast::form::is_called;
use crate::ast::{Field, Input};
use crate::ctxt::Ctxt;

pub(super) fn check_default_is_pickled(ctxt: &Ctxt, input: &Input) {
    // A misspelt or misplaced `pickle` was reported already.
    if input.attrs.pickle.is_given() || ctxt.has_errors() {
        return;
    }
    for default in input.fields.iter().filter_map(|field| field.attrs.default.name()) {
        ctxt.error_spanned_by(
            default,
            "`default` is how a field of an unpickled object begins; write `#[buffer(pickle)]` above the struct, or remove \
             `default`",
        );
    }
}

/// Whether a field is a cell that the class does not export, but whose memory is pickled.
pub(super) fn is_hidden_cell(input: &Input, field: &Field) -> bool {
    let is_exported = field.attrs.mark.is_some();
    input.attrs.pickle.is_given() && field.is_cell() && !is_exported && !field.attrs.default.is_given()
}

/// The parts that are pickled, if any are.
pub(super) fn pickle<'a>(input: &'a Input, exported: &[ExportedField]) -> Option<Pickle<'a>> {
    let span = input.attrs.pickle.name()?.span();
    let kept = |field: &Field| {
        if field.attrs.default.is_given() {
            return Kept::Nothing;
        }
        // A `Py` field is pickled as that object, with its memory.
        let cell = exported.iter().position(|exported| *exported.member == field.member);
        cell.filter(|_| !is_called(field.ty, "Py")).map_or(Kept::Value, Kept::Memory)
    };
    let fields = input.fields.iter().map(|field| PickledField {
        member: &field.member,
        ty: field.ty,
        name: match &field.member {
            Member::Named(name) => name.unraw().to_string(),
            Member::Unnamed(index) => index.index.to_string(),
        },
        kind: kept(field),
    });
    Some(Pickle { span, fields: fields.collect() })
}
