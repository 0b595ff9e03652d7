//! Emits the expansion of `#[derive(ExportBuffer)]`.
//!
//! Everything except the user's own tokens is named by its whole path, through `buffer_runtime::private` or `::core`,
//! so that nothing that the user defines or shadows can interfere. The user's expressions stand in a block of their
//! own, in which nothing is declared. The type of the field can refer to `__Export` and `__DESCRIPTOR`, with which safe
//! code can do nothing. Imports stand only in a block that contains none of the user's tokens except the name of the
//! struct.

mod dims;

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Error, Member, Result};

use self::dims::Dims;
use crate::ast::Input;
use crate::ast::kind::{check_exported_once, check_no_record};
use crate::attr::Order;
use crate::check::literals::{Kind, Rule};
use crate::check::{Export, Layout, Placement, check};
use crate::ctxt::Ctxt;
use crate::expand::{Runtime, element};

/// The whole derive: reads and checks the input, and emits the expansion unless there was an error.
///
/// After an error only the errors are emitted. Almost nothing that a user writes depends on the expansion, so one
/// mistake gives one message.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    check_exported_once(input)?;
    check_no_record(input)?;
    let ctxt = Ctxt::new();
    let input = Input::from_syn(&ctxt, input);
    if let Some(Err(error)) = input.as_ref().map(|input| Runtime::check(input.ident, &input.attrs.krate)) {
        ctxt.push(error);
    }
    check(ctxt, input.as_ref()).map(|export| emit(&export))
}

/// What is emitted for a struct that is refused as a class.
pub(crate) fn refused(error: Error, input: &DeriveInput) -> TokenStream {
    if check_no_record(input).is_err() { element::refused(error, input) } else { error.into_compile_error() }
}

fn emit(export: &Export) -> TokenStream {
    let ident = export.ident;
    let runtime = Runtime::of(export.krate);
    let allow_deprecated = export.deprecated.then(|| quote!(#[allow(deprecated)]));
    let declares = declares(&runtime, export);
    let exporter = exporter(&runtime, export);
    let holds_bytes = holds_bytes(&runtime, export);
    let rules = rules(&runtime, export);
    let methods = if export.array { quote!(ARRAY) } else { quote!(NONE) };
    let reserved = reserved_names(export);
    let Class { inventory, entry, .. } = Class::of(&runtime, export);
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
            #rules

            const _: () = {
                use #runtime as __buffer;

                // The entry belongs to an exporter of this class, as its type requires.
                #[automatically_derived]
                unsafe impl __buffer::Exported for #ident {
                    #entry
                }

                __buffer::submit_slots!(#inventory, __Export, #methods);
            };
        };
    }
}

/// Compiles only if `format` is declared over bytes. No unsafe code relies on it: a macro in the type's place may
/// expand to another type here.
fn holds_bytes(runtime: &Runtime, export: &Export) -> Option<TokenStream> {
    let span = Span::call_site().located_at(export.cell.span());
    matches!(export.layout, Layout::RunTime { format: Some(_), .. }).then(|| {
        let (cell, at) = (cell_type(export), runtime.at(span));
        let value = quote_spanned!(span=> #at::holds_bytes::<#cell>());
        quote!(const _: () = #value;)
    })
}

/// Compiles only if the literals fit the storage. No unsafe code relies on it: at run time all numbers are checked.
fn rules(runtime: &Runtime, export: &Export) -> Option<TokenStream> {
    let cell = cell_type(export);
    let literals = quote!(#runtime::literals);
    let rules = export.rules.iter().map(|Rule { span, kind }| {
        let span = Span::call_site().located_at(*span);
        let at = runtime.at(span);
        let rule = match kind {
            Kind::WholeItems(bytes) => quote!(WholeItems<
                { #literals::itemsize::<#cell>() },
                { #literals::is_whole::<#cell>(#bytes) },
            >),
            Kind::Fills(count) => quote!(Fills<
                #count,
                { #literals::items::<#cell>() },
                { #literals::fills::<#cell>(#count) },
            >),
            Kind::Divides(count) => quote!(Divides<
                #count,
                { #literals::items::<#cell>() },
                { #literals::divides::<#cell>(#count) },
            >),
            Kind::Reaches { bytes, count } => quote!(Reaches<
                { #literals::end::<#cell>(#bytes, #count) },
                { #literals::size::<#cell>() },
                { #literals::reaches::<#cell>(#bytes, #count) },
            >),
        };
        quote_spanned!(span=> <() as #at::rules::#rule>::KEPT;)
    });
    let rules: TokenStream = rules.collect();
    (!rules.is_empty()).then(|| quote!(const _: () = { #rules };))
}

/// The code that evaluates the declared expressions, if there are any.
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

/// The constants that differ from the defaults.
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

/// The implementation of `Exporter`, through which the runtime accesses the class.
///
/// It is for a private type. The class itself may be public; an implementation for it could not name the type of the
/// field, which may be private.
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
    // Errors of the runtime about the cell are reported at the field's type.
    let span = Span::call_site().located_at(export.cell.span());
    let at = runtime.at(span);
    let descriptor = quote_spanned! {span=>
        <__Export as #at::Described<{
            use #runtime::Unknown as _;
            #runtime::ExportDeclaration::<__Export, <__Export as #runtime::Exporter>::Cell>::FAULT
        }>>::DESCRIPTOR
    };
    let Class { span, itself: class, .. } = Class::of(runtime, export);
    // By its clauses: the class's own descriptor (1), a field that is accessed by patterns (2), and numbers that count
    // as the user's code unless they are literals, constants and integers in existing fields (3).
    let implementation = quote_spanned! {span=>
        #[automatically_derived]
        unsafe impl #runtime::Exporter for __Export {
            type Class = #class;
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
    };
    quote! {
        static __DESCRIPTOR: #runtime::Descriptor = #descriptor;

        struct __Export;

        #implementation
    }
}

/// What the expansion says about the class. A struct that is no class, or one that is bound to a thread, breaks all of
/// it in the same words at the same place, its name, so that the compiler shows one error.
struct Class {
    span: Span,
    itself: TokenStream,
    inventory: TokenStream,
    entry: TokenStream,
}

impl Class {
    fn of(runtime: &Runtime, export: &Export) -> Self {
        let ident = export.ident;
        let span = Span::call_site().located_at(ident.span());
        let at = runtime.at(span);
        Self {
            span,
            itself: quote_spanned!(span=> <<#ident as #at::Named>::Itself as #at::Sendable>::Itself),
            inventory: quote_spanned!(span=> <#ident as #at::Named>::Inventory),
            entry: quote_spanned!(span=> const ENTRY: #at::Entry<Self> = <__Export as #at::Exporter>::ENTRY;),
        }
    }
}

/// Accesses the field of `class`, and never what a `Deref` of the user's leads to.
///
/// Other macros may have removed the field from the struct, or given it another type than the one that is named here: a
/// macro in the type's place is expanded twice. A field access (by auto-deref), or a reference with another expected
/// type (by coercion), would then call the user's code, where none may run. A pattern matches the struct itself, and a
/// `ref` binding is not coerced.
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

/// The type of the field, for a place where `Self` is not the class.
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

/// The functions that PyO3's `#[pymethods]` would emit for the methods that the class must not define again.
///
/// Without them, CPython would silently get one slot from each of the two definitions; with them, the second definition
/// of the name is an error.
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
