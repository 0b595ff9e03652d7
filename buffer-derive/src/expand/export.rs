//! Emits the expansion of `#[derive(ExportBuffer)]`.
//!
//! Everything that is not the user's own tokens is named through `buffer_runtime::private`, imported in the block as
//! `__buffer`, or through `::core`: nothing that the user defines or shadows can take part.

mod dims;

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Result};

use self::dims::Dims;
use crate::ast::Input;
use crate::attr::Order;
use crate::check::{Export, Layout, Placement, check};
use crate::ctxt::Ctxt;

/// The derive itself: reads, checks, and emits unless there was an error.
///
/// After an error nothing but the errors is emitted. Next to nothing that a user writes depends on the expansion, so
/// that one mistake gives one message.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let ctxt = Ctxt::new();
    let input = Input::from_syn(&ctxt, input);
    check(ctxt, input.as_ref()).map(|export| emit(&export))
}

fn emit(export: &Export) -> TokenStream {
    let ident = export.ident;
    let runtime = export.krate.map_or_else(|| quote!(::buffer_runtime), ToTokens::to_token_stream);
    let allow_deprecated = export.deprecated.then(|| quote!(#[allow(deprecated)]));
    let descriptor = descriptor(export);
    let Dims { ty, method } = Dims::of(&export.layout);
    let exporter = exporter(export, &ty);
    let methods = if export.array { quote!(ARRAY) } else { quote!(NONE) };
    let reserved = reserved_names(export);
    quote! {
        #allow_deprecated
        const _: () = {
            use #runtime::private as __buffer;

            #descriptor

            #exporter

            #[automatically_derived]
            impl __buffer::Exported for #ident {
                const ENTRY: __buffer::Entry<Self> = __buffer::Entry::of::<__Export>();
            }

            __buffer::submit_slots!(#ident, __Export, #methods);

            #[doc(hidden)]
            impl #ident {
                #method
                #reserved
            }
        };
    }
}

/// What the runtime works out at compile time. What it refuses shows at the field's type.
fn descriptor(export: &Export) -> TokenStream {
    let span = Span::call_site().located_at(export.cell.span());
    let value = quote_spanned!(span=> __buffer::Descriptor::of::<__Export>());
    let holds_bytes = matches!(export.layout, Layout::RunTime { format: Some(_), .. }).then(|| {
        let cell = cell_type(export);
        let value = quote_spanned!(span=> __buffer::holds_bytes::<#cell>());
        quote!(const _: () = #value;)
    });
    quote! {
        static __DESCRIPTOR: __buffer::Descriptor = #value;
        #holds_bytes
    }
}

/// The implementation of `Exporter`, through which the runtime reaches the class.
///
/// It is for a private type: an implementation for the class itself, which may be public, could not name the type of the
/// field, which may not.
fn exporter(export: &Export, dims: &TokenStream) -> TokenStream {
    let Export { ident, member, readonly, pin, layout, .. } = export;
    let cell = cell_type(export);
    let source = match layout {
        Layout::Storage => quote!(Storage),
        Layout::Extents { runs_code: false, .. } => quote!(Fields),
        Layout::Extents { runs_code: true, .. } | Layout::RunTime { .. } => quote!(Code),
    };
    let (placement, order) = match layout {
        Layout::Storage | Layout::RunTime { shape: None, .. } => (quote!(Dense), quote!(C)),
        Layout::Extents { placement, .. } => placed(placement),
        Layout::RunTime { shape: Some((_, placement)), .. } => placed(placement),
    };
    quote! {
        struct __Export;

        #[automatically_derived]
        impl __buffer::Exporter for __Export {
            type Class = #ident;
            type Cell = #cell;
            type Dims = #dims;
            const ORDER: __buffer::Order = __buffer::Order::#order;
            const PLACEMENT: __buffer::Placement = __buffer::Placement::#placement;
            const READONLY: ::core::primitive::bool = #readonly;
            const PIN: ::core::primitive::bool = #pin;
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

/// The type of the field, where `Self` is not the class.
fn cell_type(export: &Export) -> TokenStream {
    without_self(export.cell.to_token_stream(), export.ident)
}

fn without_self(tokens: TokenStream, class: &Ident) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Ident(ident) if ident == "Self" => {
                let mut class = class.clone();
                class.set_span(class.span().located_at(ident.span()));
                TokenTree::Ident(class)
            }
            TokenTree::Group(group) => {
                let mut named = Group::new(group.delimiter(), without_self(group.stream(), class));
                named.set_span(group.span());
                TokenTree::Group(named)
            }
            other => other,
        })
        .collect()
}

/// The variants of the runtime's `Placement` and `Order`.
fn placed<S: ?Sized>(placement: &Placement<S>) -> (TokenStream, TokenStream) {
    let (placement, order) = match placement {
        Placement::Dense(order) => (quote!(Dense), *order),
        Placement::Offset(order, _) => (quote!(Offset), *order),
        // Without a meaning, where the strides are given.
        Placement::Strided { .. } => (quote!(Strided), Order::C),
    };
    let order = match order {
        Order::C => quote!(C),
        Order::F => quote!(F),
    };
    (placement, order)
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
