//! The rules between the options of a field.

use std::mem;

use quote::ToTokens;
use syn::{Expr, ExprLit, Ident, Lit, Member};

use super::literals::check_not_before_start;
use super::notation;
use super::plain::{integer, is_negated_integer, is_out_of_range};
use crate::ast::Input;
use crate::attr::{FieldAttrs, Numbers, Readonly, Setting, Shape, Strides, ungroup};
use crate::ctxt::Ctxt;

/// The maximum number of dimensions of a `Py_buffer` (`PyBUF_MAX_NDIM`).
const MAX_DIMENSIONS: usize = 64;

pub(super) fn check_field(ctxt: &Ctxt, attrs: &FieldAttrs) {
    if let Some(format) = attrs.format.value() {
        check_notation(ctxt, format);
    }
    check_has_shape(ctxt, attrs);
    check_order_has_meaning(ctxt, attrs);
    check_order_or_strides(ctxt, attrs);
    if let Some(offset) = attrs.offset.value() {
        check_offset_not_negative(ctxt, offset);
        check_in_range(ctxt, Some(offset).into_iter().filter(|offset| !is_negated_integer(offset)));
    }
    let Some(shape) = attrs.shape.value() else {
        return;
    };
    let strides = attrs.strides.value();
    if let Numbers::List(shape) = shape {
        check_dimensions(ctxt, &shape.extents, "extent");
        check_none_negative(ctxt, shape);
        check_in_range(ctxt, shape.given().filter(|extent| !is_negated_integer(extent)));
        // An empty list breaks a rule of its own, or belongs to an empty shape.
        if strides.is_some_and(|strides| strides.list().is_none_or(|list| !list.strides.is_empty())) {
            // Beside `order`, the strides may be what is removed.
            if attrs.order.name().is_none() {
                check_none_inferred_beside_strides(ctxt, shape);
            }
        } else {
            check_one_inferred(ctxt, shape);
            check_no_zero_beside_inferred(ctxt, shape);
        }
    }
    if let Some(Numbers::List(strides)) = strides {
        check_strides_not_empty(ctxt, shape, strides);
        check_in_range(ctxt, &strides.strides);
        match shape {
            Numbers::List(shape) => {
                check_stride_for_each_extent(ctxt, shape, strides);
                check_not_before_start(ctxt, shape, strides, attrs.offset.value());
            }
            Numbers::Slice(_) => check_dimensions(ctxt, &strides.strides, "stride"),
        }
    }
}

/// Gives a better message than the compiler, which would say that the name does not exist. To use a constant with the
/// name of a field, write it in a block.
pub(super) fn check_fields_are_of_self(ctxt: &Ctxt, input: &Input, attrs: &FieldAttrs) {
    let mut first = true;
    for name in expressions(attrs).into_iter().flat_map(outer_names) {
        if name == "slf" && mem::take(&mut first) {
            ctxt.error_spanned_by(name, "the object is called `self` here; write `self` in place of `slf`, everywhere");
        }
        if input.has(&Member::Named(name.clone())) {
            ctxt.error_spanned_by(name, format_args!("`{name}` is a field; write `self.{name}`"));
        }
    }
}

fn expressions(attrs: &FieldAttrs) -> Vec<&Expr> {
    let mut all = Vec::new();
    match attrs.shape.value() {
        Some(Numbers::List(shape)) => all.extend(shape.given()),
        Some(Numbers::Slice(shape)) => all.push(shape),
        None => {}
    }
    match attrs.strides.value() {
        Some(Numbers::List(strides)) => all.extend(&strides.strides),
        Some(Numbers::Slice(strides)) => all.push(strides),
        None => {}
    }
    if let Some(Readonly::If(condition)) = attrs.readonly.value() {
        all.push(condition);
    }
    all.extend(attrs.offset.value().into_iter().chain(attrs.format.value()));
    all
}

/// The names in an expression that must come from outside it.
fn outer_names(expr: &Expr) -> Vec<&Ident> {
    match ungroup(expr) {
        Expr::Path(path) => path.path.get_ident().into_iter().collect(),
        Expr::Binary(binary) => [outer_names(&binary.left), outer_names(&binary.right)].concat(),
        Expr::Cast(cast) => outer_names(&cast.expr),
        Expr::Field(field) => outer_names(&field.base),
        Expr::Index(index) => outer_names(&index.expr),
        Expr::MethodCall(call) => outer_names(&call.receiver),
        Expr::Reference(reference) => outer_names(&reference.expr),
        Expr::Try(attempt) => outer_names(&attempt.expr),
        Expr::Unary(unary) => outer_names(&unary.expr),
        _ => Vec::new(),
    }
}

/// Checks a literal format; any other is known only at run time.
fn check_notation(ctxt: &Ctxt, format: &Expr) {
    let referred = match ungroup(format) {
        Expr::Reference(reference) => ungroup(&reference.expr),
        other => other,
    };
    let Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) = referred else {
        return;
    };
    let text = literal.value();
    if let Err(problem) = notation::check(&text) {
        match of_numpy(&text) {
            Some(code) => ctxt.error_spanned_by(
                literal,
                format_args!("{text:?} is numpy's name of a type; write the code of the struct module, {code:?}"),
            ),
            None => ctxt.error_spanned_by(literal, problem),
        }
    }
}

/// The code of the struct module for a numpy name, such as `uint32` or `<u4`.
fn of_numpy(name: &str) -> Option<String> {
    const NAMES: [(&str, &str, char); 12] = [
        ("int8", "i1", 'b'),
        ("uint8", "u1", 'B'),
        ("int16", "i2", 'h'),
        ("uint16", "u2", 'H'),
        ("int32", "i4", 'i'),
        ("uint32", "u4", 'I'),
        ("int64", "i8", 'q'),
        ("uint64", "u8", 'Q'),
        ("float16", "f2", 'e'),
        ("float32", "f4", 'f'),
        ("float64", "f8", 'd'),
        ("bool", "b1", '?'),
    ];
    let (order, rest) = match name.split_at_checked(1) {
        Some((order @ ("<" | ">" | "="), rest)) => (order, rest),
        _ => ("", name),
    };
    let found = NAMES.iter().find(|(long, short, _)| rest == *short || (order.is_empty() && name == *long));
    found.map(|(.., code)| format!("{order}{code}"))
}

/// Reports one error, even if several options lack the shape.
fn check_has_shape(ctxt: &Ctxt, attrs: &FieldAttrs) {
    let Setting::Absent = attrs.shape else {
        return;
    };
    // Beside `strides`, an example with `_` would break another rule.
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
    let (Some(order), Some(Numbers::List(shape)), None) =
        (attrs.order.name(), attrs.shape.value(), attrs.strides.value())
    else {
        return;
    };
    let kind = match shape.extents.len() {
        0 => "buffer without dimensions",
        1 => "one-dimensional buffer",
        _ => return,
    };
    ctxt.error_spanned_by(order, format_args!("`order` has no meaning on a {kind}; remove it"));
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

fn check_strides_not_empty(ctxt: &Ctxt, shape: &Numbers<Shape>, strides: &Strides) {
    let scalar = shape.list().is_some_and(|shape| shape.extents.is_empty());
    if strides.strides.is_empty() && !scalar {
        ctxt.error(
            strides.span,
            "`strides` is empty; write one for each extent of `shape`, in bytes, or remove `strides`",
        );
    }
}

fn check_stride_for_each_extent(ctxt: &Ctxt, shape: &Shape, strides: &Strides) {
    let (needed, given) = (shape.extents.len(), strides.strides.len());
    // An empty list breaks a rule of its own.
    if given == 0 || given == needed {
        return;
    }
    let message = match needed {
        0 => "`strides` needs one stride for each extent of `shape`, which has none; remove `strides`".to_owned(),
        _ => format!("`strides` needs one stride for each extent of `shape`; write {needed} instead of {given}"),
    };
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

fn check_dimensions(ctxt: &Ctxt, numbers: &[impl ToTokens], one: &str) {
    if let Some(surplus) = numbers.get(MAX_DIMENSIONS) {
        ctxt.error_spanned_by(
            surplus,
            format_args!("a buffer has at most {MAX_DIMENSIONS} dimensions; remove this {one} and those behind it"),
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

/// The compiler's own lint ignores literals to which the expansion gives a type.
fn check_in_range<'a>(ctxt: &Ctxt, numbers: impl IntoIterator<Item = &'a Expr>) {
    for number in numbers.into_iter().filter(|number| is_out_of_range(number)) {
        ctxt.error_spanned_by(number, "no memory is that large; write a number that an `i64` holds");
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
