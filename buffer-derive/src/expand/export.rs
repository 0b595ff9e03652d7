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
use crate::check::{Export, ExportedField, Layout, Placement, Property, check};
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
    let fields =
        || (0..).zip(&export.fields).map(|(index, field)| Exporting { runtime: &runtime, ident, field, index });
    let declares = fields().map(|field| field.declares());
    let exporters = fields().map(|field| {
        let (exporter, holds_bytes, rules) = (field.exporter(), field.holds_bytes(), field.rules());
        quote!(#exporter #holds_bytes #rules)
    });
    let reserved = reserved_names(export);
    let class = Class::of(&runtime, ident);
    let own = fields().find(|field| field.field.own).map(|field| own_buffer(&class, &field, export.array));
    let properties = properties(&class, fields());
    quote! {
        #allow_deprecated
        const _: () = {
            #(#declares)*

            #[doc(hidden)]
            impl #ident {
                #reserved
            }
        };

        #allow_deprecated
        const _: () = {
            #(#exporters)*

            const _: () = {
                use #runtime as __buffer;

                #own
                #properties
            };
        };
    }
}

/// Gives the class the buffer of a field as its own.
fn own_buffer(class: &Class, own: &Exporting, array: bool) -> TokenStream {
    let Class { ident, inventory, .. } = class;
    let exporter = own.exporter_name();
    let entry = class.entry(&exporter);
    let methods = if array { quote!(ARRAY) } else { quote!(NONE) };
    quote! {
        // The entry belongs to an exporter of this class, as its type requires.
        #[automatically_derived]
        unsafe impl __buffer::Exported for #ident {
            #entry
        }

        __buffer::submit_slots!(#inventory, #exporter, #methods);
    }
}

/// Gives the class its properties, and access to each exported field.
fn properties<'a>(class: &Class, fields: impl Iterator<Item = Exporting<'a>> + Clone) -> Option<TokenStream> {
    let mut submitted = TokenStream::new();
    for field in fields.clone() {
        if let Some(Property { name, doc, .. }) = &field.field.property {
            let (exporter, name) = (field.exporter_name(), format!("{name}\0"));
            let doc = doc.as_ref().map(|doc| format!("{doc}\0"));
            let doc = doc.map_or_else(|| quote!(__buffer::None), |doc| quote!(__buffer::Some(__buffer::c_str(#doc))));
            submitted.extend(quote!([#exporter, __buffer::c_str(#name), #doc]));
        }
    }
    if submitted.is_empty() {
        return None;
    }
    let Class { ident, inventory, .. } = class;
    let exporters = fields.map(|field| field.exporter_name());
    Some(quote! {
        // The entries belong to exporters of this class, as their type requires.
        #[automatically_derived]
        unsafe impl __buffer::Exports for #ident {
            const ENTRIES: &'static [__buffer::Entry<Self>] = &[#(<#exporters as __buffer::Exporter>::ENTRY),*];
        }

        __buffer::submit_properties!(#inventory, #submitted);
    })
}

/// A field whose exporter is emitted. Exporters are numbered, since a class may have several.
#[derive(Clone, Copy)]
struct Exporting<'a> {
    runtime: &'a Runtime,
    ident: &'a Ident,
    field: &'a ExportedField<'a>,
    index: usize,
}

impl Exporting<'_> {
    /// Compiles only if `format` is declared over bytes. No unsafe code relies on it: a macro in the type's place may
    /// expand to another type here.
    fn holds_bytes(&self) -> Option<TokenStream> {
        let Self { runtime, field, .. } = self;
        let span = Span::call_site().located_at(field.cell.span());
        matches!(field.layout, Layout::RunTime { format: Some(_), .. }).then(|| {
            let (cell, at) = (self.cell_type(), runtime.at(span));
            let value = quote_spanned!(span=> #at::holds_bytes::<#cell>());
            quote!(const _: () = #value;)
        })
    }

    /// Compiles only if the literals fit the storage. No unsafe code relies on it: at run time all numbers are checked.
    fn rules(&self) -> Option<TokenStream> {
        let Self { runtime, field, .. } = self;
        let cell = self.cell_type();
        let literals = quote!(#runtime::literals);
        let rules = field.rules.iter().map(|Rule { span, kind }| {
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
    fn declares(&self) -> Option<TokenStream> {
        let Self { runtime, ident, field, .. } = self;
        let Dims { ty, receiver, value } = Dims::of(runtime, &field.layout)?;
        let declares = self.declares_name();
        Some(quote! {
            #[automatically_derived]
            impl #runtime::#declares for #ident {
                type Dims = #ty;

                #[inline(always)]
                fn __buffer_dims(&#receiver) -> #runtime::PyResult<Self::Dims> {
                    #runtime::Ok(#value)
                }
            }
        })
    }

    /// The constants that differ from the defaults.
    fn constants(&self) -> TokenStream {
        let Self { runtime, field, .. } = self;
        let source = match field.layout {
            Layout::Storage => None,
            Layout::Extents { reads: Some(_), .. } => Some(quote!(Fields)),
            Layout::Extents { reads: None, .. } | Layout::RunTime { .. } => Some(quote!(Code)),
        };
        let order = match &field.layout {
            Layout::Storage | Layout::RunTime { shape: None, .. } => None,
            Layout::Extents { placement, .. } => order(placement),
            Layout::RunTime { shape: Some((_, placement)), .. } => order(placement),
        };
        let source = source.map(|source| quote!(const SOURCE: #runtime::ShapeSource = #runtime::ShapeSource::#source;));
        let order = order.map(|order| quote!(const ORDER: #runtime::Order = #runtime::Order::#order;));
        let readonly = field.readonly.then(|| {
            quote!(
                const READONLY: ::core::primitive::bool = true;
            )
        });
        let pin = field.pin.then(|| {
            quote!(
                const PIN: ::core::primitive::bool = true;
            )
        });
        let property = field.property.as_ref().map(|property| {
            let name = format!("{}\0", property.name);
            quote!(const PROPERTY: #runtime::Option<&'static #runtime::CStr> = #runtime::Some(#runtime::c_str(#name));)
        });
        quote!(#source #order #readonly #pin #property)
    }

    /// The implementation of `Exporter`, through which the runtime accesses the class.
    ///
    /// It is for a private type. The class itself may be public; an implementation for it could not name the type of the
    /// field, which may be private.
    fn exporter(&self) -> TokenStream {
        let Self { runtime, ident, field, .. } = self;
        let (cell, access, constants) = (self.cell_type(), self.access(), self.constants());
        let (name, static_descriptor) = (self.exporter_name(), self.numbered("__DESCRIPTOR"));
        let (dims, evaluated) = if let Layout::Storage = field.layout {
            (quote!(#runtime::Fixed<0, 0>), quote!(#runtime::Ok(#runtime::Fixed::NATURAL)))
        } else {
            let declares = self.declares_name();
            let declares = quote!(<#ident as #runtime::#declares>);
            (quote!(#declares::Dims), quote!(#declares::__buffer_dims(class)))
        };
        // Errors of the runtime about the cell are reported at the field's type.
        let span = Span::call_site().located_at(field.cell.span());
        let at = runtime.at(span);
        let at_field = Ident::new(&name.to_string(), span);
        let descriptor = quote_spanned! {span=>
            <#at_field as #at::Described<{
                use #runtime::Unknown as _;
                #runtime::ExportDeclaration::<#at_field, <#at_field as #runtime::Exporter>::Cell>::FAULT
            }>>::DESCRIPTOR
        };
        let Class { span, itself: class, .. } = Class::of(runtime, ident);
        // By its clauses: the class's own descriptor (1), a field that is accessed by patterns (2), and numbers that count
        // as the user's code unless they are literals, constants and integers in existing fields (3).
        let implementation = quote_spanned! {span=>
            #[automatically_derived]
            unsafe impl #runtime::Exporter for #name {
                type Class = #class;
                type Cell = #cell;
                type Dims = #dims;
                #constants

                fn descriptor() -> &'static #runtime::Descriptor {
                    &#static_descriptor
                }

                #[inline(always)]
                fn cell(class: &#ident) -> &Self::Cell {
                    #access
                }

                #[inline(always)]
                fn dims(class: &#ident) -> #runtime::PyResult<Self::Dims> {
                    #evaluated
                }
            }
        };
        quote! {
            static #static_descriptor: #runtime::Descriptor = #descriptor;

            struct #name;

            #implementation
        }
    }

    /// Accesses the field of `class`, and never what a `Deref` of the user's leads to.
    ///
    /// Other macros may have removed the field from the struct, or given it another type than the one that is named here: a
    /// macro in the type's place is expanded twice. A field access (by auto-deref), or a reference with another expected
    /// type (by coercion), would then call the user's code, where none may run. A pattern matches the struct itself, and a
    /// `ref` binding is not coerced.
    fn access(&self) -> TokenStream {
        let Self { ident, field: ExportedField { member, layout, cell, .. }, .. } = self;
        let mut others: Vec<&Member> = Vec::new();
        if let Layout::Extents { reads: Some(reads), .. } = layout {
            for read in reads {
                if read != member && !others.contains(read) {
                    others.push(read);
                }
            }
        }
        let span = Span::call_site().located_at(cell.span());
        quote_spanned! {span=>
            let #ident { #member: ref field, #(#others: _,)* .. } = *class;
            let ref cell: Self::Cell = *field;
            cell
        }
    }

    /// The type of the field, for a place where `Self` is not the class.
    fn cell_type(&self) -> TokenStream {
        without_self(self.field.cell.to_token_stream(), self.ident)
    }

    /// A name of the exporter's own. The first has no number.
    fn numbered(&self, name: &str) -> Ident {
        match self.index {
            0 => Ident::new(name, Span::call_site()),
            index => Ident::new(&format!("{name}{index}"), Span::call_site()),
        }
    }

    fn exporter_name(&self) -> Ident {
        self.numbered("__Export")
    }

    /// The trait with the evaluated declaration, which a class implements once for each exporter.
    fn declares_name(&self) -> TokenStream {
        match self.index {
            0 => quote!(Declares),
            index => quote!(Declares<#index>),
        }
    }
}

/// What the expansion says about the class. A struct that is no class, or one that is bound to a thread, breaks all of
/// it in the same words at the same place, its name, so that the compiler shows one error.
struct Class<'a> {
    ident: &'a Ident,
    span: Span,
    at: TokenStream,
    itself: TokenStream,
    inventory: TokenStream,
}

impl<'a> Class<'a> {
    fn of(runtime: &Runtime, ident: &'a Ident) -> Self {
        let span = Span::call_site().located_at(ident.span());
        let at = runtime.at(span);
        Self {
            ident,
            span,
            itself: quote_spanned!(span=> <<#ident as #at::Named>::Itself as #at::Sendable>::Itself),
            inventory: quote_spanned!(span=> <#ident as #at::Named>::Inventory),
            at,
        }
    }

    fn entry(&self, exporter: &Ident) -> TokenStream {
        let at = &self.at;
        quote_spanned!(self.span=> const ENTRY: #at::Entry<Self> = <#exporter as #at::Exporter>::ENTRY;)
    }
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
    let own = export.fields.iter().any(|field| field.own);
    let array = export.array.then(|| {
        quote!(
            fn __pymethod___array____() {}
        )
    });
    let own = own.then(|| {
        quote!(
            fn __pymethod___getbuffer____() {}
            fn __pymethod___releasebuffer____() {}
            #array
        )
    });
    let properties = export.fields.iter().filter_map(|field| field.property.as_ref()).flat_map(|property| {
        let Property { name, span, .. } = property;
        [format!("__pymethod_get_{name}__"), format!("__pymethod_{name}__")]
            .map(|name| Ident::new(&name, Span::call_site().located_at(*span)))
    });
    quote! {
        #own
        #(
            fn #properties() {}
        )*
    }
}

#[cfg(test)]
mod tests;
