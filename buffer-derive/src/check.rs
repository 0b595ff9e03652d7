//! The rules between the parts of a struct, one `check_*` each, and what is left when all are kept.

use proc_macro2::TokenTree;
use syn::{
    Attribute, Expr, ExprCast, ExprField, ExprLit, ExprPath, ExprUnary, GenericParam, Ident, Lit, Member, Meta, Path,
    Type, UnOp,
};

use crate::ast::{Field, Input, Style};
use crate::attr::{Extent, FieldAttrs, Order, Setting, Shape, Strides, ungroup};
use crate::ctxt::Ctxt;

/// As many dimensions as a `Py_buffer` may have (`PyBUF_MAX_NDIM`).
const MAX_DIMENSIONS: usize = 64;

/// A struct that can be exported: only legal combinations can be written down.
pub(crate) struct Export<'a> {
    pub(crate) ident: &'a Ident,
    /// The path of `buffer_runtime`, if it is not the usual one.
    pub(crate) krate: Option<&'a Path>,
    /// Whether `__array__` is emitted.
    pub(crate) array: bool,
    /// Whether the struct or the field is deprecated, so that naming it would warn.
    pub(crate) deprecated: bool,
    /// The exported field.
    pub(crate) member: &'a Member,
    /// The type of the exported field.
    pub(crate) cell: &'a Type,
    pub(crate) readonly: bool,
    pub(crate) layout: Layout<'a>,
}

/// Where the shape comes from.
pub(crate) enum Layout<'a> {
    /// The storage's own shape, in C order.
    Storage,
    /// One to 64 extents, at most one of them inferred.
    Extents {
        extents: &'a [Extent],
        placement: Placement<'a>,
        /// Whether evaluating the extents, the strides or the offset may run code of the user's.
        runs_code: bool,
    },
}

/// Where in the storage the items of declared extents lie.
#[derive(Clone, Copy)]
pub(crate) enum Placement<'a> {
    /// One behind the other, from the start of the storage.
    Dense(Order),
    /// One behind the other, from so many bytes behind the start of the storage.
    Offset(Order, &'a Expr),
    /// By strides in bytes, one for each extent; none of the extents is inferred.
    Strided {
        /// Of the item whose indices are all 0, in bytes; the start of the storage if there is none.
        offset: Option<&'a Expr>,
        strides: &'a [Expr],
    },
}

impl Layout<'_> {
    /// The declared extents; none where the shape is the storage's.
    pub(crate) fn extents(&self) -> &[Extent] {
        match self {
            Layout::Storage => &[],
            Layout::Extents { extents, .. } => extents,
        }
    }

    /// Where the items lie; the storage's own shape lies in C order.
    pub(crate) fn placement(&self) -> Placement<'_> {
        match self {
            Layout::Storage => Placement::Dense(Order::C),
            Layout::Extents { placement, .. } => *placement,
        }
    }
}

/// Holds `input` against every rule and records what breaks one; the result is for who finds none recorded.
pub(crate) fn check<'a>(ctxt: &Ctxt, input: &'a Input) -> Option<Export<'a>> {
    check_not_generic(ctxt, input);
    check_sendable(ctxt, input);
    for field in &input.fields {
        check_has_shape(ctxt, &field.attrs);
        check_order_has_meaning(ctxt, &field.attrs);
        check_order_or_strides(ctxt, &field.attrs);
        if let Some(offset) = field.attrs.offset.value() {
            check_offset_not_negative(ctxt, offset);
        }
        if let Some(shape) = field.attrs.shape.value() {
            check_has_extents(ctxt, shape);
            check_dimensions(ctxt, shape);
            check_none_negative(ctxt, shape);
            if let Some(strides) = field.attrs.strides.value() {
                check_stride_for_each_extent(ctxt, shape, strides);
                check_none_inferred_beside_strides(ctxt, shape);
            } else {
                check_one_inferred(ctxt, shape);
                check_no_zero_beside_inferred(ctxt, shape);
            }
        }
    }
    let field = check_exported_field(ctxt, input)?;
    Some(Export {
        ident: input.ident,
        krate: input.attrs.krate.value(),
        array: input.attrs.no_array.value().is_none(),
        deprecated: is_deprecated(input.raw_attrs) || is_deprecated(field.raw_attrs),
        member: &field.member,
        cell: field.ty,
        readonly: field.attrs.readonly.value().is_some(),
        layout: layout(input, field),
    })
}

fn check_not_generic(ctxt: &Ctxt, input: &Input) {
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

fn check_sendable(ctxt: &Ctxt, input: &Input) {
    // Seen only where the derive stands above `#[pyclass]`; the runtime's bounds refuse the rest.
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

/// The identifiers in `#[pyclass(...)]` and `#[pyo3(...)]`, options among them.
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
fn check_exported_field<'a>(ctxt: &Ctxt, input: &'a Input) -> Option<&'a Field<'a>> {
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

/// One error, however many options miss the shape.
fn check_has_shape(ctxt: &Ctxt, attrs: &FieldAttrs) {
    let Setting::Absent = attrs.shape else {
        return;
    };
    // An example with `_` would break the next rule beside `strides`.
    let (name, example) = match attrs.strides.name() {
        Some(strides) => (Some(strides), "self.nrows, self.ncols"),
        None => (attrs.offset.name().or(attrs.order.name()), "_, self.ncols"),
    };
    if let Some(name) = name {
        ctxt.error_spanned_by(
            name,
            format_args!(
                "`{name}` needs a `shape`; write one beside it, as in `shape = [{example}]`, or remove `{name}`"
            ),
        );
    }
}

fn check_order_has_meaning(ctxt: &Ctxt, attrs: &FieldAttrs) {
    if let Some(order) = attrs.order.name()
        && attrs.strides.value().is_none()
        && attrs.shape.value().is_some_and(|shape| shape.extents.len() == 1)
    {
        ctxt.error_spanned_by(order, "`order` has no meaning on a one-dimensional buffer; remove it");
    }
}

fn check_order_or_strides(ctxt: &Ctxt, attrs: &FieldAttrs) {
    if let Some(order) = attrs.order.name()
        && attrs.strides.value().is_some()
    {
        ctxt.error_spanned_by(order, "`order` says what `strides` already say; remove one");
    }
}

fn check_offset_not_negative(ctxt: &Ctxt, offset: &Expr) {
    if is_negated_integer(offset) {
        ctxt.error_spanned_by(
            offset,
            "an offset cannot be negative; \
             write how many bytes behind the start of the storage the item lies whose indices are all 0",
        );
    }
}

fn check_stride_for_each_extent(ctxt: &Ctxt, shape: &Shape, strides: &Strides) {
    let (needed, given) = (shape.extents.len(), strides.strides.len());
    // An empty shape breaks a rule of its own.
    if needed == 0 || given == needed {
        return;
    }
    let message = format!("`strides` needs one stride for each extent of `shape`; write {needed} instead of {given}");
    match strides.strides.get(needed) {
        Some(surplus) => ctxt.error_spanned_by(surplus, message),
        None => ctxt.error(strides.span, message),
    }
}

fn check_none_inferred_beside_strides(ctxt: &Ctxt, shape: &Shape) {
    for extent in shape.inferred() {
        ctxt.error_spanned_by(extent, "`_` cannot be inferred beside `strides`; give every dimension");
    }
}

fn check_has_extents(ctxt: &Ctxt, shape: &Shape) {
    if shape.extents.is_empty() {
        ctxt.error(
            shape.span,
            "`shape` is empty; write an extent for each dimension, or remove `shape` to export the storage's own",
        );
    }
}

fn check_dimensions(ctxt: &Ctxt, shape: &Shape) {
    if let Some(extent) = shape.extents.get(MAX_DIMENSIONS) {
        ctxt.error_spanned_by(
            extent,
            format_args!("a buffer has at most {MAX_DIMENSIONS} dimensions; remove this extent and those behind it"),
        );
    }
}

fn check_one_inferred(ctxt: &Ctxt, shape: &Shape) {
    for extent in shape.inferred().skip(1) {
        ctxt.error_spanned_by(extent, "only one extent can be `_`; write a number or an expression over `self` here");
    }
}

fn check_none_negative(ctxt: &Ctxt, shape: &Shape) {
    for extent in shape.given() {
        if is_negated_integer(extent) {
            ctxt.error_spanned_by(
                extent,
                "an extent cannot be negative; write `_` to infer it from the number of elements",
            );
        }
    }
}

fn check_no_zero_beside_inferred(ctxt: &Ctxt, shape: &Shape) {
    if let Some(inferred) = shape.inferred().next()
        && shape.given().any(|extent| integer(extent) == Some(0))
    {
        ctxt.error_spanned_by(
            inferred,
            "`_` cannot be inferred beside an extent of 0; write a number or an expression over `self` here",
        );
    }
}

/// Whether `expr` is an integer literal behind a minus sign.
fn is_negated_integer(expr: &Expr) -> bool {
    matches!(ungroup(expr), Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) if integer(expr).is_some())
}

fn integer(expr: &Expr) -> Option<u128> {
    match ungroup(expr) {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) => int.base10_parse().ok(),
        _ => None,
    }
}

fn is_deprecated(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| attr.path().is_ident("deprecated"))
}

fn layout<'a>(input: &Input, field: &'a Field) -> Layout<'a> {
    let attrs = &field.attrs;
    let Some(shape) = attrs.shape.value() else {
        return Layout::Storage;
    };
    let order = attrs.order.value().copied().unwrap_or(Order::C);
    let offset = attrs.offset.value();
    let strides = attrs.strides.value().map(|list| list.strides.as_slice());
    let mut expressions = shape.given().chain(offset).chain(strides.into_iter().flatten());
    Layout::Extents {
        extents: &shape.extents,
        runs_code: !expressions.all(|expr| is_plain(input, expr)),
        placement: match (strides, offset) {
            (Some(strides), offset) => Placement::Strided { offset, strides },
            (None, Some(offset)) => Placement::Offset(order, offset),
            (None, None) => Placement::Dense(order),
        },
    }
}

/// Whether evaluating `expr` cannot run code of the user's: it reads a literal, a constant or a field.
///
/// The answer follows from the form alone. What the form cannot show, that the value is an integer, the
/// runtime's bound on extents sees to; so no `Deref`, conversion or operator of the user's takes part.
fn is_plain(input: &Input, expr: &Expr) -> bool {
    match ungroup(expr) {
        Expr::Lit(_) => true,
        Expr::Unary(_) => is_negated_integer(expr),
        Expr::Path(path) => !is_self(path),
        Expr::Field(ExprField { base, member, .. }) => {
            matches!(ungroup(base), Expr::Path(path) if is_self(path)) && input.has(member)
        }
        Expr::Cast(ExprCast { expr, ty, .. }) => is_integer_type(ty) && is_plain(input, expr),
        _ => false,
    }
}

fn is_self(path: &ExprPath) -> bool {
    path.path.is_ident("self")
}

fn is_integer_type(ty: &Type) -> bool {
    const INTEGERS: [&str; 10] = ["usize", "isize", "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"];
    matches!(ty, Type::Path(path) if INTEGERS.iter().any(|integer| path.path.is_ident(integer)))
}

#[cfg(test)]
mod tests;
