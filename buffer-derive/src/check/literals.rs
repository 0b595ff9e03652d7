//! The consequences of literal numbers: which of them lead out of any storage, and which the compiler must compare with
//! the size of an item and with the length of an array.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Expr, Type};

use super::plain::number;
use crate::ast::form::is_cell_of_numbers;
use crate::attr::{Extent, FieldAttrs, Numbers, Shape, Strides};
use crate::ctxt::Ctxt;

/// A rule that depends on the type of the storage, and the token that breaks it.
pub(crate) struct Rule {
    pub(crate) span: Span,
    pub(crate) kind: Kind,
}

/// The condition of a rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// This many bytes are a multiple of the item's size.
    WholeItems(i64),
    /// An array has exactly this many scalars.
    Fills(usize),
    /// The number of scalars of an array is a multiple of this number.
    Divides(usize),
    /// An array has an item that starts at this many bytes, or this many items after that position.
    Reaches { bytes: usize, count: usize },
}

/// The rules for a field of the type `ty`.
pub(super) fn rules(ty: &Type, attrs: &FieldAttrs) -> Vec<Rule> {
    let mut rules = Vec::new();
    // `format` declares items that differ from those of the storage. A type that is refused must not break a rule as
    // well.
    if attrs.format.value().is_some() || !is_cell_of_numbers(ty) {
        return rules;
    }
    let Some(Numbers::List(shape)) = attrs.shape.value() else {
        return rules;
    };
    let offset = attrs.offset.value();
    let strides = match attrs.strides.value() {
        Some(Numbers::List(strides)) => strides.strides.as_slice(),
        Some(Numbers::Slice(_)) => return rules,
        None => &[],
    };
    // If an extent is at most 1, no item is at the end of its stride.
    let leads_to_items = |axis: usize| match shape.extents.get(axis) {
        Some(Extent::Given(extent)) => number(extent).is_none_or(|count| count > 1),
        _ => true,
    };
    let strides_to_items = (0..).zip(strides).filter(|&(axis, _)| leads_to_items(axis)).map(|(_, stride)| stride);
    for distance in strides_to_items.chain(offset) {
        if let Some(bytes) = number(distance) {
            rules.push(Rule { span: distance.span(), kind: Kind::WholeItems(bytes) });
        }
    }
    rules.extend(extent_rule(shape, strides, offset));
    rules
}

/// How much of the storage the shape needs, if all its extents are literals.
fn extent_rule(shape: &Shape, strides: &[Expr], offset: Option<&Expr>) -> Option<Rule> {
    let given: Vec<usize> = shape.given().map(|extent| usize::try_from(number(extent)?).ok()).collect::<Option<_>>()?;
    let product = given.iter().try_fold(1_usize, |product, extent| product.checked_mul(*extent))?;
    let start = offset.map_or(Some(0), number)?;
    let span = shape.span;
    if !strides.is_empty() {
        if product == 0 || shape.inferred().next().is_some() || strides.len() != given.len() {
            return None;
        }
        let reach = |stride: &Expr, extent: usize| number(stride)?.checked_mul(i64::try_from(extent).ok()? - 1);
        let forward = strides
            .iter()
            .zip(&given)
            .try_fold(start, |end, (stride, extent)| end.checked_add(reach(stride, *extent)?.max(0)))?;
        let kind = Kind::Reaches { bytes: usize::try_from(forward).ok()?, count: 1 };
        return Some(Rule { span, kind });
    }
    let kind = match (shape.inferred().next(), offset) {
        (None, None) => Kind::Fills(product),
        (None, Some(_)) => Kind::Reaches { bytes: usize::try_from(start).ok()?, count: product },
        (Some(_), None) => Kind::Divides(product),
        (Some(_), Some(_)) => return None,
    };
    (given.len() + usize::from(matches!(kind, Kind::Divides(_))) == shape.extents.len()).then_some(Rule { span, kind })
}

/// Reports strides that lead before the start of any storage.
pub(super) fn check_not_before_start(ctxt: &Ctxt, shape: &Shape, strides: &Strides, offset: Option<&Expr>) {
    let Some(start) = offset.map_or(Some(0), number) else {
        return;
    };
    let (mut before, mut first) = (0_i64, None);
    for (extent, stride) in shape.extents.iter().zip(&strides.strides) {
        let (Extent::Given(extent), Some(step)) = (extent, number(stride)) else {
            continue;
        };
        match number(extent) {
            // There are no items.
            Some(0) => return,
            Some(count) if count > 1 && step < 0 => {
                before = before.saturating_add(step.saturating_mul(count - 1));
                first = first.or(Some(stride));
            }
            _ => {}
        }
    }
    if let Some(first) = first
        && start.saturating_add(before) < 0
    {
        let needed = before.unsigned_abs();
        ctxt.error_spanned_by(
            first,
            format_args!(
                "this stride leads before the start of the storage; write `offset = {needed}` or more, where the item \
                 is whose indices are all 0"
            ),
        );
    }
}
