//! The rules between the parts of a struct, one `check_*` function each, and the result if no rule is broken.

mod class;
pub(crate) mod element;
mod layout;
pub(crate) mod literals;
mod notation;
mod pickle;
mod plain;
mod property;

use proc_macro2::Span;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, Member, Path, Result, Type};

use self::class::{check_not_generic, check_own_field, check_sendable};
use self::layout::{check_field, check_fields_are_of_self};
use self::literals::{Rule, rules};
use self::pickle::{check_default_is_pickled, is_hidden_cell, pickle};
use self::plain::{field_read, is_plain, is_plain_bool};
use self::property::{check_properties, property};
use crate::ast::{Field, Input};
use crate::attr::{Extent, FieldAttrs, Numbers, Order, Readonly, Shape, Strides, ungroup};
use crate::ctxt::Ctxt;

/// A struct that can be exported. This type can express only legal combinations.
pub(crate) struct Export<'a> {
    pub(crate) ident: &'a Ident,
    /// The path of `buffer_runtime`, if it is not the usual one.
    pub(crate) krate: Option<&'a Path>,
    /// Whether `__array__` is emitted.
    pub(crate) array: bool,
    /// Whether the struct or a field is deprecated, so that naming it would warn.
    pub(crate) deprecated: bool,
    /// At least one; at most one is the object's own buffer, and that is the first.
    pub(crate) fields: Vec<ExportedField<'a>>,
    /// How objects are pickled, if they can be.
    pub(crate) pickle: Option<Pickle<'a>>,
}

/// What a pickle contains of an object.
pub(crate) struct Pickle<'a> {
    /// Where `pickle` is written.
    pub(crate) span: Span,
    /// All fields of the struct, in order.
    pub(crate) fields: Vec<PickledField<'a>>,
}

/// A field of a class that can be pickled.
pub(crate) struct PickledField<'a> {
    pub(crate) member: &'a Member,
    pub(crate) ty: &'a Type,
    /// Its name in a pickle.
    pub(crate) name: String,
    pub(crate) kind: Kept,
}

/// What a pickle keeps of a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kept {
    /// The memory of the exported field with this index.
    Memory(usize),
    /// The value of the field, which PyO3 converts.
    Value,
    /// Nothing.
    Nothing,
}

/// A field that is exported.
pub(crate) struct ExportedField<'a> {
    pub(crate) member: &'a Member,
    pub(crate) cell: &'a Type,
    /// Whether Python may never write, whatever is evaluated at run time.
    pub(crate) readonly: bool,
    /// Whether the memory stays in place for good once it was viewed.
    pub(crate) pin: bool,
    pub(crate) layout: Layout<'a>,
    /// What the compiler checks about the literals in the declaration.
    pub(crate) rules: Vec<Rule>,
    /// Whether it is the object's own buffer.
    pub(crate) own: bool,
    /// The property that exports it.
    pub(crate) property: Option<Property>,
}

/// A property of the class.
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) doc: Option<String>,
}

/// Where the shape comes from.
pub(crate) enum Layout<'a> {
    /// The storage's own shape, in C order.
    Storage,
    /// Up to 64 extents, at most one of them inferred.
    Extents {
        extents: &'a [Extent],
        placement: Placement<'a, [Expr]>,
        /// The fields from which the extents, the strides and the offset are read; `None` if evaluating them may run
        /// the user's code.
        reads: Option<Vec<&'a Member>>,
    },
    /// Declared with something that is known only at run time: the number of dimensions, the format of an item, or
    /// whether Python may write.
    RunTime {
        /// The condition under which Python may not write.
        readonly: Option<&'a Expr>,
        /// The format of an item, in place of the storage's.
        format: Option<Format<'a>>,
        /// If not declared, as for `Storage`.
        shape: Option<(&'a Numbers<Shape>, Placement<'a, Numbers<Strides>>)>,
        /// The fields that are read, apart from the format's; `None` if evaluating anything but the format may run the
        /// user's code.
        reads: Option<Vec<&'a Member>>,
    },
}

/// The declared format of an item.
#[derive(Clone, Copy)]
pub(crate) enum Format<'a> {
    /// A literal.
    Literal(&'a Expr),
    /// The text of a field.
    Field { expr: &'a Expr, member: &'a Member, ty: &'a Type },
    /// The value of another expression.
    Code(&'a Expr),
}

/// Where the items of a declared shape are in the storage; `S` contains the strides.
pub(crate) enum Placement<'a, S: ?Sized> {
    /// One after the other, from the start of the storage.
    Dense(Order),
    /// One after the other, from this many bytes after the start of the storage.
    Offset(Order, &'a Expr),
    /// By strides in bytes, one for each extent; none of the extents is inferred.
    Strided {
        /// The position of the item whose indices are all 0, in bytes; the start of the storage if there is none.
        offset: Option<&'a Expr>,
        strides: &'a S,
    },
}

/// Checks a struct against every rule. `input` is `None` only if an error was recorded.
///
/// # Errors
///
/// All errors that `ctxt` has by then.
pub(crate) fn check<'a>(ctxt: Ctxt, input: Option<&'a Input>) -> Result<Export<'a>> {
    let export = input.and_then(|input| check_all(&ctxt, input));
    ctxt.finish(export)
}

/// Checks every rule and records what breaks one. The result is valid only if `ctxt` has no errors.
fn check_all<'a>(ctxt: &Ctxt, input: &'a Input) -> Option<Export<'a>> {
    check_not_generic(ctxt, input);
    check_sendable(ctxt, input);
    for field in &input.fields {
        check_field(ctxt, &field.attrs);
        check_fields_are_of_self(ctxt, input, &field.attrs);
    }
    check_properties(ctxt, input);
    check_default_is_pickled(ctxt, input);
    let own = check_own_field(ctxt, input);
    let others = input.fields.iter().filter(|field| field.attrs.get.is_given() || is_hidden_cell(input, field));
    let others = others.filter(|field| own.is_none_or(|own| own.member != field.member));
    let exported = |field: &'a Field<'a>, own: bool| ExportedField {
        member: &field.member,
        cell: field.ty,
        readonly: matches!(field.attrs.readonly.value(), Some(Readonly::Always)) || !own && !field.attrs.get.is_given(),
        pin: field.attrs.pin.value().is_some(),
        layout: layout(input, field),
        rules: rules(field.ty, &field.attrs),
        own,
        property: property(field),
    };
    let own = own.map(|field| exported(field, true));
    let fields: Vec<_> = own.into_iter().chain(others.map(|field| exported(field, false))).collect();
    if fields.is_empty() {
        return None;
    }
    let deprecated = input.fields.iter().filter(|field| fields.iter().any(|found| *found.member == field.member));
    Some(Export {
        ident: input.ident,
        krate: input.attrs.krate.value(),
        array: input.attrs.no_array.value().is_none(),
        deprecated: is_deprecated(input.raw_attrs) || { deprecated }.any(|field| is_deprecated(field.raw_attrs)),
        pickle: pickle(input, &fields),
        fields,
    })
}

fn is_deprecated(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| attr.path().is_ident("deprecated"))
}

fn layout<'a>(input: &'a Input, field: &'a Field) -> Layout<'a> {
    let attrs = &field.attrs;
    let (shape, strides, format) = (attrs.shape.value(), attrs.strides.value(), attrs.format.value());
    let readonly = match attrs.readonly.value() {
        Some(Readonly::If(condition)) => Some(condition),
        Some(Readonly::Always) | None => None,
    };
    let format = format.map(|format| format_of(input, format));
    let compile_time = readonly.is_none() && format.is_none();
    match (shape, strides) {
        (None, _) if compile_time => Layout::Storage,
        (Some(Numbers::List(shape)), None) if compile_time => extents(input, attrs, shape, None),
        (Some(Numbers::List(shape)), Some(Numbers::List(strides))) if compile_time => {
            extents(input, attrs, shape, Some(&strides.strides))
        }
        _ => Layout::RunTime {
            readonly,
            format,
            shape: shape.map(|shape| (shape, placement(attrs, strides))),
            reads: reads_at_run_time(input, attrs, readonly),
        },
    }
}

fn format_of<'a>(input: &'a Input, format: &'a Expr) -> Format<'a> {
    let expr = match ungroup(format) {
        Expr::Reference(reference) => ungroup(&reference.expr),
        expr => expr,
    };
    match expr {
        Expr::Lit(ExprLit { lit: Lit::Str(_), .. }) => Format::Literal(expr),
        Expr::Field(_) => match field_read(expr).and_then(|member| Some((member, input.field(member)?))) {
            Some((member, field)) => Format::Field { expr, member, ty: field.ty },
            None => Format::Code(format),
        },
        _ => Format::Code(format),
    }
}

/// See [`Layout::RunTime`].
fn reads_at_run_time<'a>(input: &Input, attrs: &'a FieldAttrs, readonly: Option<&'a Expr>) -> Option<Vec<&'a Member>> {
    let extents = match attrs.shape.value() {
        Some(shape) => shape.list()?.given().collect(),
        None => Vec::new(),
    };
    let strides = match attrs.strides.value() {
        Some(strides) => strides.list()?.strides.iter().collect(),
        None => Vec::new(),
    };
    let numbers = || extents.iter().chain(&strides).copied().chain(attrs.offset.value());
    let plain =
        numbers().all(|number| is_plain(input, number)) && readonly.is_none_or(|flag| is_plain_bool(input, flag));
    plain.then(|| numbers().chain(readonly).filter_map(field_read).collect())
}

fn extents<'a>(input: &Input, attrs: &'a FieldAttrs, shape: &'a Shape, strides: Option<&'a [Expr]>) -> Layout<'a> {
    let mut expressions: Vec<&Expr> = shape.given().chain(attrs.offset.value()).collect();
    if let Some(strides) = strides {
        expressions.extend(strides);
    }
    let plain = expressions.iter().all(|expr| is_plain(input, expr));
    Layout::Extents {
        extents: &shape.extents,
        placement: placement(attrs, strides),
        reads: plain.then(|| expressions.into_iter().filter_map(field_read).collect()),
    }
}

fn placement<'a, S: ?Sized>(attrs: &'a FieldAttrs, strides: Option<&'a S>) -> Placement<'a, S> {
    let order = attrs.order.value().copied().unwrap_or(Order::C);
    match (strides, attrs.offset.value()) {
        (Some(strides), offset) => Placement::Strided { offset, strides },
        (None, Some(offset)) => Placement::Offset(order, offset),
        (None, None) => Placement::Dense(order),
    }
}

#[cfg(test)]
mod tests;
