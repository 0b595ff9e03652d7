//! `syn` -> [`RecordInput`] and [`RecordField`]: the parts of a struct that `BufferElement` reads.

use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Attribute, Data, DeriveInput, Generics, Ident, Member, Type};

use super::form::is_called;
use super::{member, name_or_type};
use crate::attr::element::{ElementAttrs, RecordAttrs, Repr};
use crate::ctxt::Ctxt;

/// A struct as written: it may break any rule of [`check`](crate::check::element).
pub(crate) struct RecordInput<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) generics: &'a Generics,
    /// All attributes of the struct, for any macro.
    pub(crate) raw_attrs: &'a [Attribute],
    pub(crate) attrs: RecordAttrs,
    pub(crate) repr: Repr,
    pub(crate) fields: Vec<RecordField<'a>>,
}

/// A field of a struct.
pub(crate) struct RecordField<'a> {
    /// Its name, or its position in a tuple struct.
    pub(crate) member: Member,
    pub(crate) ty: &'a Type,
    /// All attributes of the field, for any macro.
    pub(crate) raw_attrs: &'a [Attribute],
    pub(crate) attrs: ElementAttrs,
}

impl<'a> RecordInput<'a> {
    /// Reads `input`; `None`, with the error recorded, if it is not a struct.
    pub(crate) fn from_syn(ctxt: &Ctxt, input: &'a DeriveInput) -> Option<Self> {
        let data = match &input.data {
            Data::Struct(data) => data,
            Data::Enum(data) => {
                ctxt.error_spanned_by(
                    data.enum_token,
                    "an enum cannot be an element: Python may write any number, and not every one is a variant; \
                     store its integer, as in `kind: u8`",
                );
                return None;
            }
            Data::Union(data) => {
                ctxt.error_spanned_by(
                    data.union_token,
                    "a union cannot be an element: Python cannot tell which field is there; write a struct",
                );
                return None;
            }
        };
        Some(Self {
            ident: &input.ident,
            generics: &input.generics,
            raw_attrs: &input.attrs,
            attrs: RecordAttrs::from_syn(ctxt, &input.attrs),
            repr: Repr::from_syn(&input.attrs),
            fields: (0..).zip(&data.fields).map(|(index, field)| RecordField::from_syn(ctxt, index, field)).collect(),
        })
    }
}

impl<'a> RecordField<'a> {
    fn from_syn(ctxt: &Ctxt, index: u32, field: &'a syn::Field) -> Self {
        let attrs = ElementAttrs::from_syn(ctxt, &field.attrs);
        Self { member: member(index, field), ty: &field.ty, raw_attrs: &field.attrs, attrs }
    }

    /// The tokens that an error about the field underlines.
    pub(crate) fn tokens(&self) -> &dyn ToTokens {
        name_or_type(&self.member, self.ty)
    }

    /// The name of the field in Python, unless it is renamed; in a tuple struct, the name that numpy would give.
    pub(crate) fn name(&self) -> String {
        match &self.member {
            Member::Named(ident) => ident.unraw().to_string(),
            Member::Unnamed(index) => format!("f{}", index.index),
        }
    }

    /// Whether the field's type is named `PhantomData`.
    pub(crate) fn is_marker(&self) -> bool {
        is_called(self.ty, "PhantomData")
    }
}
