//! `syn` -> [`Input`] and [`Field`]: the parts of a struct that the derive reads.

pub(crate) mod element;
pub(crate) mod form;
pub(crate) mod kind;

use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DataStruct, DeriveInput, Fields, Generics, Ident, Index, Member, Type};

use self::form::is_called;
use crate::attr::{ClassAttrs, FieldAttrs};
use crate::ctxt::Ctxt;

/// A struct as written: it may break any rule of [`check`](crate::check).
pub(crate) struct Input<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) generics: &'a Generics,
    /// All attributes of the struct, for any macro.
    pub(crate) raw_attrs: &'a [Attribute],
    pub(crate) attrs: ClassAttrs,
    pub(crate) style: Style,
    pub(crate) fields: Vec<Field<'a>>,
}

/// How the fields of a struct are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Named,
    Tuple,
    Unit,
}

/// A field of a struct.
pub(crate) struct Field<'a> {
    /// Its name, or its position in a tuple struct.
    pub(crate) member: Member,
    pub(crate) ty: &'a Type,
    /// All attributes of the field, for any macro.
    pub(crate) raw_attrs: &'a [Attribute],
    pub(crate) attrs: FieldAttrs,
}

impl<'a> Input<'a> {
    /// Reads `input`; `None`, with the error recorded, if it is not a struct.
    pub(crate) fn from_syn(ctxt: &Ctxt, input: &'a DeriveInput) -> Option<Self> {
        const ONLY_STRUCTS: &str = "`ExportBuffer` exports a field of a struct; \
             move the `ExportCell` into a `#[pyclass]` struct and derive it there";
        match &input.data {
            Data::Struct(data) => Some(Self::from_struct(ctxt, input, data)),
            Data::Enum(data) => {
                ctxt.error_spanned_by(data.enum_token, ONLY_STRUCTS);
                None
            }
            Data::Union(data) => {
                ctxt.error_spanned_by(data.union_token, ONLY_STRUCTS);
                None
            }
        }
    }

    fn from_struct(ctxt: &Ctxt, input: &'a DeriveInput, data: &'a DataStruct) -> Self {
        Self {
            ident: &input.ident,
            generics: &input.generics,
            raw_attrs: &input.attrs,
            attrs: ClassAttrs::from_syn(ctxt, &input.attrs),
            style: match data.fields {
                Fields::Named(_) => Style::Named,
                Fields::Unnamed(_) => Style::Tuple,
                Fields::Unit => Style::Unit,
            },
            fields: (0..).zip(&data.fields).map(|(index, field)| Field::from_syn(ctxt, index, field)).collect(),
        }
    }

    pub(crate) fn field(&self, member: &Member) -> Option<&Field<'a>> {
        self.fields.iter().find(|field| field.member == *member)
    }

    /// Whether `member` is a field of this struct.
    pub(crate) fn has(&self, member: &Member) -> bool {
        self.field(member).is_some()
    }
}

impl<'a> Field<'a> {
    fn from_syn(ctxt: &Ctxt, index: u32, field: &'a syn::Field) -> Self {
        let attrs = FieldAttrs::from_syn(ctxt, &field.attrs);
        Self { member: member(index, field), ty: &field.ty, raw_attrs: &field.attrs, attrs }
    }

    /// The tokens that an error about the field underlines.
    pub(crate) fn tokens(&self) -> &dyn ToTokens {
        name_or_type(&self.member, self.ty)
    }

    /// Whether the field's type is named `ExportCell`.
    pub(crate) fn is_cell(&self) -> bool {
        is_called(self.ty, "ExportCell")
    }
}

/// The name of a field, or its position.
fn member(index: u32, field: &syn::Field) -> Member {
    match &field.ident {
        Some(ident) => Member::Named(ident.clone()),
        None => Member::Unnamed(Index { index, span: field.ty.span() }),
    }
}

/// The name of a field, or its type in a tuple struct.
fn name_or_type<'a>(member: &'a Member, ty: &'a Type) -> &'a dyn ToTokens {
    match member {
        Member::Named(ident) => ident,
        Member::Unnamed(_) => ty,
    }
}
