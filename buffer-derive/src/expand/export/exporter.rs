//! Emits the exporter of one field: how the runtime reaches the field, and what the field declares.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::Member;
use syn::spanned::Spanned;

use super::Class;
use super::dims::Dims;
use crate::attr::Order;
use crate::check::literals::{Kind, Rule};
use crate::check::{ExportedField, Format, Layout, Placement};
use crate::expand::Runtime;

/// A field whose exporter is emitted. Exporters are numbered, since a class may have several.
#[derive(Clone, Copy)]
pub(super) struct Exporting<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) ident: &'a Ident,
    pub(super) field: &'a ExportedField<'a>,
    pub(super) index: usize,
}

impl Exporting<'_> {
    /// Compiles only if `format` is declared over bytes. No unsafe code relies on it: a macro in the type's place may
    /// expand to another type here.
    pub(super) fn holds_bytes(&self) -> Option<TokenStream> {
        let Self { runtime, field, .. } = self;
        let span = Span::call_site().located_at(field.cell.span());
        matches!(field.layout, Layout::RunTime { format: Some(_), .. }).then(|| {
            let (cell, at) = (self.cell_type(), runtime.at(span));
            let value = quote_spanned!(span=> <() as #at::HoldsBytes<#cell>>::BYTES);
            quote!(const _: () = #value;)
        })
    }

    /// Compiles only if the literals fit the storage. No unsafe code relies on it: at run time all numbers are checked.
    pub(super) fn rules(&self) -> Option<TokenStream> {
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
    pub(super) fn declares(&self) -> Option<TokenStream> {
        let Self { runtime, ident, field, .. } = self;
        let Dims { ty, receiver, value } = Dims::of(runtime, &field.layout)?;
        let declares = self.declares_name();
        Some(quote! {
            #[automatically_derived]
            impl #runtime::#declares for #ident {
                type Dims<'__a> = #ty;

                #[inline(always)]
                fn __buffer_dims(&#receiver) -> #runtime::PyResult<Self::Dims<'_>> {
                    #runtime::Ok(#value)
                }
            }
        })
    }

    /// The constants that differ from the defaults.
    fn constants(&self) -> TokenStream {
        let Self { runtime, field, .. } = self;
        let order = match &field.layout {
            Layout::Storage | Layout::RunTime { shape: None, .. } => None,
            Layout::Extents { placement, .. } => order(placement),
            Layout::RunTime { shape: Some((_, placement)), .. } => order(placement),
        };
        let source = self.source().map(|source| quote!(const SOURCE: #runtime::ShapeSource = #source;));
        let order = order.map(|order| quote!(const ORDER: #runtime::Order = #runtime::Order::#order;));
        let ndim = match &field.layout {
            Layout::Extents { extents, .. } => {
                let ndim = extents.len();
                Some(quote!(const NDIM: #runtime::Option<::core::primitive::usize> = #runtime::Some(#ndim);))
            }
            Layout::Storage | Layout::RunTime { .. } => None,
        };
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
        quote!(#source #ndim #order #readonly #pin #property)
    }

    /// Where the shape comes from, if not from the storage.
    fn source(&self) -> Option<TokenStream> {
        let Self { runtime, field, .. } = self;
        let (fields, code) = (quote!(#runtime::ShapeSource::Fields), quote!(#runtime::ShapeSource::Code));
        Some(match &field.layout {
            Layout::Storage => return None,
            Layout::Extents { reads: None, .. }
            | Layout::RunTime { reads: None, .. }
            | Layout::RunTime { format: Some(Format::Code(_)), .. } => code,
            Layout::Extents { .. } | Layout::RunTime { format: None | Some(Format::Literal(_)), .. } => fields,
            Layout::RunTime { format: Some(Format::Field { .. }), .. } => {
                let text = self.numbered("__Text");
                quote!({
                    use #runtime::TextByCode as _;
                    #runtime::TextOf::<#text>::SOURCE_WITH_TEXT
                })
            }
        })
    }

    /// The implementation of `Exporter`, through which the runtime accesses the class.
    ///
    /// The implementation is for a private type. The class itself may be public, and an implementation for it could not
    /// name the type of the field, which may be private.
    pub(super) fn exporter(&self) -> TokenStream {
        let Self { runtime, ident, field, .. } = self;
        let (cell, access, constants) = (self.cell_type(), self.access(), self.constants());
        let (name, static_descriptor) = (self.exporter_name(), self.numbered("__DESCRIPTOR"));
        let (dims, evaluated) = if let Layout::Storage = field.layout {
            (quote!(#runtime::Fixed<0, 0>), quote!(#runtime::Ok(#runtime::Fixed::NATURAL)))
        } else {
            let declares = self.declares_name();
            let declares = quote!(<#ident as #runtime::#declares>);
            (quote!(#declares::Dims<'__a>), quote!(#declares::__buffer_dims(__class)))
        };
        // Errors of the runtime about the cell are reported at the field's type.
        let span = Span::call_site().located_at(field.cell.span());
        let at = runtime.at(span);
        let at_field = Ident::new(&name.to_string(), span);
        let faultless = quote_spanned! {span=>
            <() as #at::Faultless<<#at_field as #runtime::Exporter>::Cell, {
                use #runtime::Unknown as _;
                #runtime::ExportDeclaration::<#at_field, <#at_field as #runtime::Exporter>::Cell>::FAULT
            }>>::KEPT
        };
        let named = self.numbered("__Field");
        let at_named = Ident::new(&named.to_string(), span);
        let shown = quote_spanned! {span=>
            <#at_named as #at::Shown<{
                use #runtime::NoMistake as _;
                #runtime::FieldType::<#at_named>::MISTAKE
            }>>::Itself
        };
        // The whole item has this span: the compiler checks the bounds of `Cell` once more, and reports that at the
        // name of the item.
        let cell_item = quote_spanned!(span=> type Cell = #shown;);
        let cell_span = span;
        let Class { span, itself: class, .. } = Class::of(runtime, ident);
        // By its clauses: the class's own descriptor (1), a field that is accessed by patterns (2), and numbers that
        // count as the user's code unless they are literals, constants and integers in existing fields (3).
        let implementation = quote_spanned! {span=>
            #[automatically_derived]
            unsafe impl #runtime::Exporter for #name {
                type Class = #class;
                #cell_item
                type Dims<'__a> = #dims;
                #constants

                fn descriptor() -> &'static #runtime::Descriptor {
                    &#static_descriptor
                }

                #[inline(always)]
                fn field(__class: &#ident) -> ::core::ptr::NonNull<()> {
                    #access
                }

                #[inline(always)]
                fn dims(__class: &#ident) -> #runtime::PyResult<Self::Dims<'_>> {
                    #evaluated
                }
            }
        };
        // After an error about the type of the field, neither `ExportCell::new` nor a guard causes a second error; see
        // `cell::constructed`.
        let unknown = quote! {
            (): #runtime::Because<__Why, {
                use #runtime::Unexportable as _;
                #runtime::ExportField::<#named>::KNOWN
            }>
        };
        // This error has the words and the place of the one that was reported, so the compiler shows it once.
        let size = quote_spanned!(cell_span=> { ::core::mem::size_of::<<#at_field as #at::Exporter>::Cell>() });
        let constructed = quote! {
            #[automatically_derived]
            impl<__S, __Why> #runtime::Constructed<#name, __S, __Why> for #named
            where
                #unknown,
            {
                fn construct(_: __S) -> Self {
                    ::core::unreachable!()
                }
            }

            #[automatically_derived]
            impl<__Why> #runtime::GuardsOfExportCell<#name, __Why> for #named
            where
                #unknown,
            {
                type Guard = #runtime::UnknownGuard<#size>;
            }
        };
        // Written once, because a macro in the type's place may expand to another type each time.
        let text = self.text().map(|(_, ty)| {
            let text = self.numbered("__Text");
            quote!(type #text = #ty;)
        });
        quote! {
            type #named = #cell;

            #text

            static #static_descriptor: #runtime::Descriptor = {
                #faultless;
                #runtime::descriptor::<#name>()
            };

            struct #name;

            #implementation

            #constructed
        }
    }

    /// Accesses the field of `class`, and never a field to which a `Deref` of the user's leads.
    ///
    /// Other macros may have removed the field from the struct, or given it another type than the one that is named
    /// here: a macro in the type's place is expanded twice. A field access (by auto-deref), or a reference with another
    /// expected type (by coercion), would then call the user's code, where none may run. A pattern matches the struct
    /// itself, and a `ref` binding is not coerced.
    fn access(&self) -> TokenStream {
        let Self { runtime, ident, field: ExportedField { member, layout, cell, .. }, .. } = self;
        let text = self.text().map(|(text, _)| text).filter(|text| text != member);
        let mut others: Vec<&Member> = Vec::new();
        if let Layout::Extents { reads: Some(reads), .. } | Layout::RunTime { reads: Some(reads), .. } = layout {
            for read in reads {
                if read != member && text != Some(read) && !others.contains(read) {
                    others.push(read);
                }
            }
        }
        let span = Span::call_site().located_at(cell.span());
        let (text, check) = match text {
            Some(text) => {
                let ty = self.numbered("__Text");
                (Some(quote!(#text: ref __text,)), Some(quote!(let ref __text: #ty = *__text;)))
            }
            None => (None, None),
        };
        quote_spanned! {span=>
            let #ident { #member: ref __field, #text #(#others: _,)* .. } = *__class;
            let ref __cell: Self::Cell = *__field;
            #check
            #runtime::address(__cell)
        }
    }

    /// The field whose text is the format, and its type.
    fn text(&self) -> Option<(&Member, TokenStream)> {
        match self.field.layout {
            Layout::RunTime { format: Some(Format::Field { member, ty, .. }), .. } => {
                Some((member, without_self(ty.to_token_stream(), self.ident)))
            }
            _ => None,
        }
    }

    /// The type of the field, for a place where `Self` is not the class.
    fn cell_type(&self) -> TokenStream {
        without_self(self.field.cell.to_token_stream(), self.ident)
    }

    /// A name for this exporter. The names of the first exporter have no number.
    fn numbered(&self, name: &str) -> Ident {
        match self.index {
            0 => Ident::new(name, Span::call_site()),
            index => Ident::new(&format!("{name}{index}"), Span::call_site()),
        }
    }

    pub(super) fn exporter_name(&self) -> Ident {
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

/// `tokens` for a place where `Self` is not the class.
pub(super) fn without_self(tokens: TokenStream, class: &Ident) -> TokenStream {
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
