//! Emits the expansion of `#[derive(ExportBuffer)]`.
//!
//! Everything that is not the user's own tokens is named by its whole path, through `buffer_runtime::private` or `::core`:
//! nothing that the user defines or shadows can take part. The user's expressions stand in a block of their own, where
//! nothing is declared. The type of the field sees `__Export` and `__DESCRIPTOR`, with which safe code can do nothing. Only
//! what stands in a block with no more of the user's than the name of the struct is imported.

mod dims;

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Member, Result};

use self::dims::Dims;
use crate::ast::Input;
use crate::attr::Order;
use crate::check::{Export, Layout, Placement, check};
use crate::ctxt::Ctxt;
use crate::expand::Runtime;

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
    let runtime = Runtime::of(export.krate);
    let allow_deprecated = export.deprecated.then(|| quote!(#[allow(deprecated)]));
    let declares = declares(&runtime, export);
    let exporter = exporter(&runtime, export);
    let holds_bytes = holds_bytes(&runtime, export);
    let methods = if export.array { quote!(ARRAY) } else { quote!(NONE) };
    let reserved = reserved_names(export);
    quote! {
        #allow_deprecated
        const _: () = {
            #declares

            #[doc(hidden)]
            impl #ident {
                #reserved
            }
        };

        #allow_deprecated
        const _: () = {
            #exporter
            #holds_bytes

            const _: () = {
                use #runtime as __buffer;

                // The entry is that of an exporter of this class, as its type says.
                #[automatically_derived]
                unsafe impl __buffer::Exported for #ident {
                    const ENTRY: __buffer::Entry<Self> = __buffer::Entry::of::<__Export>();
                }

                __buffer::submit_slots!(#ident, __Export, #methods);
            };
        };
    }
}

/// Compiles only where `format` is declared over bytes. No unsafe code relies on it: a macro as the type may say something
/// else here.
fn holds_bytes(runtime: &Runtime, export: &Export) -> Option<TokenStream> {
    let span = Span::call_site().located_at(export.cell.span());
    matches!(export.layout, Layout::RunTime { format: Some(_), .. }).then(|| {
        let (cell, at) = (cell_type(export), runtime.at(span));
        let value = quote_spanned!(span=> #at::holds_bytes::<#cell>());
        quote!(const _: () = #value;)
    })
}

/// How what is declared is evaluated, if anything is.
fn declares(runtime: &Runtime, export: &Export) -> Option<TokenStream> {
    let ident = export.ident;
    let Dims { ty, receiver, value } = Dims::of(runtime, &export.layout)?;
    Some(quote! {
        #[automatically_derived]
        impl #runtime::Declares for #ident {
            type Dims = #ty;

            #[inline(always)]
            fn __buffer_dims(&#receiver) -> #runtime::PyResult<Self::Dims> {
                #runtime::Ok(#value)
            }
        }
    })
}

/// What is declared that is not the default.
fn constants(runtime: &Runtime, export: &Export) -> TokenStream {
    let source = match export.layout {
        Layout::Storage => None,
        Layout::Extents { reads: Some(_), .. } => Some(quote!(Fields)),
        Layout::Extents { reads: None, .. } | Layout::RunTime { .. } => Some(quote!(Code)),
    };
    let order = match &export.layout {
        Layout::Storage | Layout::RunTime { shape: None, .. } => None,
        Layout::Extents { placement, .. } => order(placement),
        Layout::RunTime { shape: Some((_, placement)), .. } => order(placement),
    };
    let source = source.map(|source| quote!(const SOURCE: #runtime::ShapeSource = #runtime::ShapeSource::#source;));
    let order = order.map(|order| quote!(const ORDER: #runtime::Order = #runtime::Order::#order;));
    let readonly = export.readonly.then(|| {
        quote!(
            const READONLY: ::core::primitive::bool = true;
        )
    });
    let pin = export.pin.then(|| {
        quote!(
            const PIN: ::core::primitive::bool = true;
        )
    });
    quote!(#source #order #readonly #pin)
}

/// The implementation of `Exporter`, through which the runtime reaches the class.
///
/// It is for a private type: an implementation for the class itself, which may be public, could not name the type of the
/// field, which may not.
fn exporter(runtime: &Runtime, export: &Export) -> TokenStream {
    let ident = export.ident;
    let cell = cell_type(export);
    let field = field(export);
    let constants = constants(runtime, export);
    let (dims, evaluated) = if let Layout::Storage = export.layout {
        (quote!(#runtime::Fixed<0, 0>), quote!(#runtime::Ok(#runtime::Fixed::NATURAL)))
    } else {
        let declares = quote!(<#ident as #runtime::Declares>);
        (quote!(#declares::Dims), quote!(#declares::__buffer_dims(class)))
    };
    // What the runtime refuses shows at the field's type.
    let span = Span::call_site().located_at(export.cell.span());
    let at = runtime.at(span);
    let descriptor = quote_spanned!(span=> #at::descriptor::<__Export>());
    quote! {
        static __DESCRIPTOR: #runtime::Descriptor = #descriptor;

        struct __Export;

        // By its clauses: the class's own descriptor (1), a field that is reached by patterns (2), and numbers that are
        // code of the user's unless they are literals, constants and integers in fields that are there (3).
        #[automatically_derived]
        unsafe impl #runtime::Exporter for __Export {
            type Class = #ident;
            type Cell = #cell;
            type Dims = #dims;
            #constants

            fn descriptor() -> &'static #runtime::Descriptor {
                &__DESCRIPTOR
            }

            #[inline(always)]
            fn cell(class: &#ident) -> &Self::Cell {
                #field
            }

            #[inline(always)]
            fn dims(class: &#ident) -> #runtime::PyResult<Self::Dims> {
                #evaluated
            }
        }
    }
}

/// The field of `class`, and nothing that a `Deref` of the user's leads to.
///
/// Other macros may have taken it out of the struct, or given it another type than the one that is named here: a macro in
/// that place is expanded twice. An access to a field, and a reference where one of another type is expected, would then call
/// the user's code, where none may run. A pattern looks into the struct itself, and what `ref` binds is not coerced.
fn field(export: &Export) -> TokenStream {
    let Export { ident, member, layout, .. } = export;
    let mut others: Vec<&Member> = Vec::new();
    if let Layout::Extents { reads: Some(reads), .. } = layout {
        for read in reads {
            if read != member && !others.contains(read) {
                others.push(read);
            }
        }
    }
    let span = Span::call_site().located_at(export.cell.span());
    quote_spanned! {span=>
        let #ident { #member: ref field, #(#others: _,)* .. } = *class;
        let ref cell: Self::Cell = *field;
        cell
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

/// The variant of the runtime's `Order`, unless it is the default.
fn order<S: ?Sized>(placement: &Placement<S>) -> Option<TokenStream> {
    match placement {
        Placement::Dense(Order::F) | Placement::Offset(Order::F, _) => Some(quote!(F)),
        // The strides say in which order the indices run.
        Placement::Dense(Order::C) | Placement::Offset(Order::C, _) | Placement::Strided { .. } => None,
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
