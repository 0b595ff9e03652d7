//! Emits the code that evaluates the declared expressions.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprIf, ExprLit, ExprReference, ExprUnary, Ident, Lit, LitInt, Token, UnOp, parse_quote_spanned};

use crate::attr::{Extent, Numbers, Shape, Strides, ungroup};
use crate::check::{Format, Layout, Placement};
use crate::expand::Runtime;

/// The type and the value of an evaluated declaration.
pub(super) struct Dims {
    pub(super) ty: TokenStream,
    /// The parameter that the expressions call `self`.
    pub(super) receiver: Ident,
    pub(super) value: TokenStream,
}

impl Dims {
    /// `None` if nothing is declared.
    pub(super) fn of(runtime: &Runtime, layout: &Layout) -> Option<Self> {
        let mut receiver = Receiver { runtime, found: None };
        let (ty, value) = match layout {
            Layout::Storage => return None,
            Layout::Extents { extents, placement, .. } => fixed(extents, placement, &mut receiver),
            Layout::RunTime { readonly, format, shape, .. } => {
                at_run_time(*readonly, format.as_ref(), shape.as_ref(), &mut receiver)
            }
        };
        Some(Self { ty, receiver: receiver.into_ident(), value })
    }
}

/// The numbers of a layout whose number of dimensions is known: the extents; then the offset unless the items are
/// dense, and the strides if there are any.
fn fixed(extents: &[Extent], placement: &Placement<[Expr]>, receiver: &mut Receiver<'_>) -> (TokenStream, TokenStream) {
    let runtime = receiver.runtime;
    let extents: Vec<TokenStream> = extents.iter().map(|extent| extent_dim(extent, receiver)).collect();
    let mut distances = Vec::new();
    match placement {
        Placement::Dense(_) => {}
        Placement::Offset(_, offset) => distances.push(distance(offset, receiver)),
        Placement::Strided { offset, strides } => {
            let start = || quote!(#runtime::Dimension::distance(0usize));
            distances.push(offset.map_or_else(start, |offset| distance(offset, receiver)));
            distances.extend(strides.iter().map(|stride| distance(stride, receiver)));
        }
    }
    let (ndim, placed) = (extents.len(), distances.len());
    (quote!(#runtime::Fixed<#ndim, #placed>), quote!(#runtime::Fixed::new([#(#extents),*], [#(#distances),*])))
}

/// The type and the value of a part of a declaration. Both are `()` if the part is not declared.
type TypeAndValue = (TokenStream, TokenStream);

/// A declaration that is known only at run time, with its expressions in the order in which they must be evaluated.
fn at_run_time(
    readonly: Option<&Expr>,
    format: Option<&Format<'_>>,
    shape: Option<&(&Numbers<Shape>, Placement<Numbers<Strides>>)>,
    receiver: &mut Receiver<'_>,
) -> (TokenStream, TokenStream) {
    let runtime = receiver.runtime;
    let none = || (quote!(()), quote!(()));
    let readonly = readonly.map_or_else(|| quote!(false), |condition| chosen(condition, receiver));
    let format: TypeAndValue = format.map_or_else(none, |format| written(format, receiver));
    let extents: TypeAndValue = match shape {
        None => none(),
        Some((Numbers::Slice(shape), _)) => {
            (quote!(#runtime::Few<#runtime::Dim>), call("Numbers", "dims", shape, receiver))
        }
        Some((Numbers::List(shape), _)) => {
            let extents: Vec<_> = shape.extents.iter().map(|extent| extent_dim(extent, receiver)).collect();
            let count = extents.len();
            (quote!([#runtime::Dim; #count]), quote!([#(#extents),*]))
        }
    };
    let (offset, strides) = match shape {
        None | Some((_, Placement::Dense(_))) => (None, None),
        Some((_, Placement::Offset(_, offset))) => (Some(*offset), None),
        Some((_, Placement::Strided { offset, strides })) => (*offset, Some(*strides)),
    };
    let offset: TypeAndValue =
        offset.map_or_else(none, |offset| (quote!(#runtime::Distance), distance(offset, receiver)));
    let strides: TypeAndValue = match strides {
        None => none(),
        Some(Numbers::Slice(strides)) => {
            (quote!(#runtime::Few<#runtime::Distance>), call("Numbers", "distances", strides, receiver))
        }
        Some(Numbers::List(strides)) => {
            let strides: Vec<_> = strides.strides.iter().map(|stride| distance(stride, receiver)).collect();
            let count = strides.len();
            (quote!([#runtime::Distance; #count]), quote!([#(#strides),*]))
        }
    };
    let (types, values): (Vec<_>, Vec<_>) = [format, extents, offset, strides].into_iter().unzip();
    (quote!(#runtime::Declared<#(#types),*>), quote!(#runtime::Declared::new(#readonly, #(#values),*)))
}

/// Whether the declaration is read-only.
fn chosen(condition: &Expr, receiver: &mut Receiver<'_>) -> TokenStream {
    let span = ours_at(condition);
    // A wrong type is an error about the condition alone, and not about an argument of `new`.
    let mut chosen: ExprIf = parse_quote_spanned!(span=> if true { true } else { false });
    // Printing adds parentheses where the expression needs them.
    chosen.cond = Box::new(ungroup(condition).clone());
    receiver.resolve(chosen.into_token_stream())
}

/// The format: parsed at once, unless its text outlives the evaluation.
fn written(format: &Format<'_>, receiver: &mut Receiver<'_>) -> TypeAndValue {
    let runtime = receiver.runtime;
    match format {
        Format::Literal(expr) | Format::Field { expr, .. } => {
            let text = call("FormatText", "text", expr, receiver);
            (quote!(#runtime::Unparsed<'__a>), quote!(#runtime::Unparsed::of(#text)))
        }
        Format::Code(expr) => {
            let text = call("FormatText", "text", expr, receiver);
            (quote!(#runtime::Parsed), quote!(#runtime::Parsed::of(#text)?))
        }
    }
}

/// `Trait::function(&expr)`: a reference, so that naming a field does not move it.
fn call(required: &str, function: &str, expr: &Expr, receiver: &mut Receiver<'_>) -> TokenStream {
    let span = ours_at(expr);
    let reference = ExprReference {
        attrs: Vec::new(),
        // With the user's hygiene as well: only then does a type error underline the whole expression.
        and_token: Token![&](expr.span()),
        mutability: None,
        // Printing adds parentheses again if the expression needs them.
        expr: Box::new(ungroup(expr).clone()),
    };
    let value = receiver.resolve(reference.into_token_stream());
    let runtime = receiver.runtime.at(span);
    let [required, function] = [required, function].map(|name| Ident::new(name, span));
    quote_spanned!(span=> #runtime::#required::#function(#value))
}

fn extent_dim(extent: &Extent, receiver: &mut Receiver<'_>) -> TokenStream {
    match extent {
        Extent::Inferred(_) => {
            let runtime = receiver.runtime;
            quote!(#runtime::Dim::Inferred)
        }
        Extent::Given(expr) => dim(expr, receiver),
    }
}

fn dim(expr: &Expr, receiver: &mut Receiver<'_>) -> TokenStream {
    number("dim", expr, receiver)
}

fn distance(expr: &Expr, receiver: &mut Receiver<'_>) -> TokenStream {
    number("distance", expr, receiver)
}

/// `Dimension::kind(expr)`: a function of the trait, because the error of a bound shows where the bound is required.
fn number(kind: &str, expr: &Expr, receiver: &mut Receiver<'_>) -> TokenStream {
    let value = receiver.resolve(with_suffix(expr).unwrap_or_else(|| expr.to_token_stream()));
    let span = ours_at(expr);
    let runtime = receiver.runtime.at(span);
    let kind = Ident::new(kind, span);
    quote_spanned!(span=> #runtime::Dimension::#kind(#value))
}

/// The hygiene of the macro, so that the user's lints ignore it; the position of the user's code, for type errors.
fn ours_at(tokens: &impl Spanned) -> Span {
    Span::call_site().located_at(tokens.span())
}

/// Gives a suffix to an integer literal, with or without a minus sign, that has none: the compiler would infer `i32`.
/// The suffix is not `usize` or `isize`: a literal that is too large for the target is then refused at run time,
/// whereas the compiler's lint is silent about literals from a macro.
fn with_suffix(expr: &Expr) -> Option<TokenStream> {
    match ungroup(expr) {
        Expr::Unary(ExprUnary { op: UnOp::Neg(minus), expr, .. }) => {
            let magnitude = suffixed(expr, "i64")?;
            Some(quote!(#minus #magnitude))
        }
        literal => suffixed(literal, "u64").map(LitInt::into_token_stream),
    }
}

fn suffixed(expr: &Expr, suffix: &str) -> Option<LitInt> {
    match ungroup(expr) {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) if int.suffix().is_empty() => {
            // The hygiene of the macro: a lint that compares the literal with the source would find a suffix that is
            // not there.
            Some(LitInt::new(&format!("{int}{suffix}"), ours_at(int)))
        }
        _ => None,
    }
}

/// Embeds the user's expressions, and provides the parameter that their `self` refers to.
///
/// `self` is hygienic: inside `macro_rules!` two tokens named `self` may differ. So the parameter is the first such
/// token, and all others are made to resolve as the first one does.
struct Receiver<'a> {
    runtime: &'a Runtime,
    found: Option<Ident>,
}

impl Receiver<'_> {
    fn resolve(&mut self, tokens: TokenStream) -> TokenStream {
        tokens
            .into_iter()
            .map(|token| match token {
                TokenTree::Ident(mut ident) if ident == "self" => {
                    let found = self.found.get_or_insert_with(|| ident.clone());
                    ident.set_span(ident.span().resolved_at(found.span()));
                    TokenTree::Ident(ident)
                }
                TokenTree::Group(group) => {
                    let mut resolved = Group::new(group.delimiter(), self.resolve(group.stream()));
                    resolved.set_span(group.span());
                    TokenTree::Group(resolved)
                }
                other => other,
            })
            .collect()
    }

    fn into_ident(self) -> Ident {
        self.found.unwrap_or_else(|| Ident::new("self", Span::call_site()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_self_is_resolved_as_the_first() {
        let runtime = Runtime::of(None);
        let mut receiver = Receiver { runtime: &runtime, found: None };
        let tokens = quote!(self.a + f(&self, [self.b]) + mac! { self });
        let resolved = receiver.resolve(tokens.clone());
        assert_eq!(resolved.to_string(), tokens.to_string());
        assert!(receiver.found.is_some());
    }
}
