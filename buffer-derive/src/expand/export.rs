//! Emits the expansion of `#[derive(ExportBuffer)]`.
//!
//! Everything that is not the user's own tokens is named through `buffer_runtime::private`, imported in the block as
//! `__buffer`, or through `::core`: nothing that the user defines or shadows can take part.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Expr, ExprLit, ExprUnary, Ident, Lit, LitInt, Result, UnOp};

use crate::ast::Input;
use crate::attr::{Extent, Order, ungroup};
use crate::check::{Export, Layout, Placement, check};
use crate::ctxt::Ctxt;

/// The derive itself: reads, checks, and emits unless there was an error.
///
/// After an error nothing but the errors is emitted. Next to nothing that a user writes depends on the expansion, so
/// that one mistake gives one message.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let ctxt = Ctxt::new();
    let input = Input::from_syn(&ctxt, input);
    let export = input.as_ref().and_then(|input| check(&ctxt, input));
    ctxt.check()?;
    Ok(export.as_ref().map(emit).unwrap_or_default())
}

fn emit(export: &Export) -> TokenStream {
    let ident = export.ident;
    let runtime = export.krate.map_or_else(|| quote!(::buffer_runtime), ToTokens::to_token_stream);
    let allow_deprecated = export.deprecated.then(|| quote!(#[allow(deprecated)]));
    let descriptor = descriptor(export);
    let (ndims, dims) = dims_method(&export.layout);
    let exporter = exporter(export, ndims);
    let methods = if export.array { quote!(ARRAY) } else { quote!(NONE) };
    let reserved = reserved_names(export);
    quote! {
        #allow_deprecated
        const _: () = {
            use #runtime::private as __buffer;

            #descriptor

            #exporter

            __buffer::submit_slots!(#ident, __Export, #methods);

            #[doc(hidden)]
            impl #ident {
                #dims
                #reserved
            }
        };
    }
}

/// What the runtime works out at compile time. What it refuses shows at the field's type.
fn descriptor(export: &Export) -> TokenStream {
    let span = Span::call_site().located_at(export.cell.span());
    let value = quote_spanned!(span=> __buffer::Descriptor::of::<__Export>());
    quote!(static __DESCRIPTOR: __buffer::Descriptor = #value;)
}

/// The implementation of `Exporter`, through which the runtime reaches the class.
///
/// It is for a private type: an implementation for the class itself, which may be public, could not name the type of the
/// field, which may not.
fn exporter(export: &Export, ndims: usize) -> TokenStream {
    let Export { ident, member, cell, readonly, layout, .. } = export;
    let source = match layout {
        Layout::Storage => quote!(Storage),
        Layout::Extents { runs_code: false, .. } => quote!(Fields),
        Layout::Extents { runs_code: true, .. } => quote!(Code),
    };
    let (placement, order) = match layout.placement() {
        Placement::Dense(order) => (quote!(Dense), order),
        Placement::Offset(order, _) => (quote!(Offset), order),
        // Without a meaning, where the strides are given.
        Placement::Strided { .. } => (quote!(Strided), Order::C),
    };
    let order = match order {
        Order::C => quote!(C),
        Order::F => quote!(F),
    };
    quote! {
        struct __Export;

        #[automatically_derived]
        impl __buffer::Exporter for __Export {
            type Class = #ident;
            type Cell = #cell;
            type Dims = [__buffer::Dim; #ndims];
            const ORDER: __buffer::Order = __buffer::Order::#order;
            const PLACEMENT: __buffer::Placement = __buffer::Placement::#placement;
            const READONLY: ::core::primitive::bool = #readonly;
            const SOURCE: __buffer::ShapeSource = __buffer::ShapeSource::#source;

            fn descriptor() -> &'static __buffer::Descriptor {
                &__DESCRIPTOR
            }

            #[inline(always)]
            fn cell(class: &#ident) -> &Self::Cell {
                &class.#member
            }

            #[inline(always)]
            fn dims(class: &#ident) -> __buffer::PyResult<Self::Dims> {
                class.__buffer_dims()
            }
        }
    }
}

/// How many numbers the layout is declared by, and the method that evaluates them: the extents, then the offset unless
/// the items are dense, then the strides if there are any.
///
/// It stands outside the trait's implementation, where the trait's own methods would be in scope for the user's
/// expressions: a `self.dims()` of theirs could become ambiguous, or call this.
fn dims_method(layout: &Layout) -> (usize, TokenStream) {
    let mut receiver = Receiver::default();
    let mut dims: Vec<TokenStream> = layout.extents().iter().map(|extent| extent_dim(extent, &mut receiver)).collect();
    match layout.placement() {
        Placement::Dense(_) => {}
        Placement::Offset(_, offset) => dims.push(dim(offset, &mut receiver)),
        Placement::Strided { offset, strides } => {
            dims.push(offset.map_or_else(|| quote!(__buffer::Dim::of(0usize)), |offset| dim(offset, &mut receiver)));
            dims.extend(strides.iter().map(|stride| dim(stride, &mut receiver)));
        }
    }
    let ndims = dims.len();
    let receiver = receiver.into_ident();
    let method = quote! {
        #[inline(always)]
        fn __buffer_dims(&#receiver) -> __buffer::PyResult<[__buffer::Dim; #ndims]> {
            __buffer::Ok([#(#dims),*])
        }
    };
    (ndims, method)
}

fn extent_dim(extent: &Extent, receiver: &mut Receiver) -> TokenStream {
    match extent {
        Extent::Inferred(_) => quote!(__buffer::Dim::Inferred),
        Extent::Given(expr) => dim(expr, receiver),
    }
}

fn dim(expr: &Expr, receiver: &mut Receiver) -> TokenStream {
    let value = receiver.resolve(with_suffix(expr).unwrap_or_else(|| expr.to_token_stream()));
    // Ours by hygiene, so that the user's lints stay quiet; the user's by position, for type errors.
    let span = Span::call_site().located_at(expr.span());
    quote_spanned!(span=> __buffer::Dim::of(#value))
}

/// An integer literal, behind a minus sign or not, that leaves its type open, which the compiler would take for an `i32`.
fn with_suffix(expr: &Expr) -> Option<TokenStream> {
    match ungroup(expr) {
        Expr::Unary(ExprUnary { op: UnOp::Neg(minus), expr, .. }) => {
            let magnitude = suffixed(expr, "isize")?;
            Some(quote!(#minus #magnitude))
        }
        literal => suffixed(literal, "usize").map(LitInt::into_token_stream),
    }
}

fn suffixed(expr: &Expr, suffix: &str) -> Option<LitInt> {
    match ungroup(expr) {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) if int.suffix().is_empty() => {
            // No longer the user's: a lint that compares it with the source would see a suffix that is not there.
            let span = Span::call_site().located_at(int.span());
            Some(LitInt::new(&format!("{int}{suffix}"), span))
        }
        _ => None,
    }
}

/// The parameter that the `self` of the user's expressions refers to.
///
/// `self` is hygienic: inside `macro_rules!` one token of that name is not the other. So the parameter takes over the
/// first token found, and all others are made to resolve as that one does.
#[derive(Default)]
struct Receiver {
    found: Option<Ident>,
}

impl Receiver {
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

/// The functions that PyO3's `#[pymethods]` would emit for what the class may not define a second time.
///
/// CPython would silently get one slot of theirs and one of ours; two definitions of one name are an error instead.
fn reserved_names(export: &Export) -> TokenStream {
    let array = export.array.then(|| {
        quote!(
            fn __pymethod___array____() {}
        )
    });
    quote! {
        fn __pymethod___getbuffer____() {}
        fn __pymethod___releasebuffer____() {}
        #array
    }
}

#[cfg(test)]
mod tests;
