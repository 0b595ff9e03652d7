//! Emits the expansion of `#[derive(BufferElement)]`.
//!
//! An `unsafe impl` is only as sound as its proof. Other macros may rewrite the struct after this one has read it, or
//! expand to another type each time. So the expansion does not rely on the struct that was read: the compiler
//! determines the type and the place of each field, each once, and the expansion repeats no type of the user's. The
//! proof itself is in `buffer_runtime::private`.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Error, GenericParam, Generics, Ident, Member, Result, Type, parse_quote};

use crate::ast::element::{RecordField, RecordInput};
use crate::ast::kind::{check_no_class, check_recorded_once};
use crate::attr::element::RecordAttrs;
use crate::check::element::{Form, Named, Record, check};
use crate::ctxt::Ctxt;
use crate::expand::Runtime;

/// The whole derive: reads and checks the input, and emits the expansion unless there was an error.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    check_no_class(input)?;
    let ctxt = Ctxt::new();
    let input = RecordInput::from_syn(&ctxt, input);
    if let Some(Err(error)) = input.as_ref().map(|input| Runtime::check(input.ident, &input.attrs.krate)) {
        ctxt.push(error);
    }
    check(ctxt, input.as_ref()).map(|record| emit(&record))
}

/// The expansion for a struct that is refused as a record: the errors, and an implementation in the place of the
/// missing one. Without it, each place that stores the struct would be an error as well.
pub(crate) fn refused(error: Error, input: &DeriveInput) -> TokenStream {
    let errors = error.into_compile_error();
    let ctxt = Ctxt::new();
    let krate = RecordAttrs::from_syn(&ctxt, &input.attrs).krate;
    // A record that is derived twice has the other implementation.
    let readable =
        ctxt.check().is_ok() && check_recorded_once(input).is_ok() && Runtime::check(&input.ident, &krate).is_ok();
    // The bounds of parameters would cause errors of their own.
    if !readable || !input.generics.params.is_empty() {
        return errors;
    }
    let (ident, runtime) = (&input.ident, Runtime::of(krate.value()));
    // A class is rarely `Copy`. (`for` prevents the compiler from evaluating the bound here.)
    let copied = check_no_class(input).is_err().then(|| {
        quote! {
            where
                for<'__never> #ident: ::core::marker::Copy + ::core::marker::Send + ::core::marker::Sync,
        }
    });
    // A value that is computed from a constant with an error causes no further error.
    quote! {
        #[automatically_derived]
        unsafe impl #runtime::Element for #ident #copied {
            const FORMAT: &'static #runtime::CStr = <::core::primitive::u8 as #runtime::Element>::FORMAT;
            const ITEMSIZE: ::core::primitive::usize = { #errors };
            const SHAPE: #runtime::InnerShape = #runtime::InnerShape::SCALAR;
            const ANY_BITS: ::core::primitive::bool = true;
        }
    }
}

fn emit(record: &Record) -> TokenStream {
    let ident = record.ident;
    let runtime = Runtime::of(record.krate);
    let allow_deprecated = record.deprecated.then(|| quote!(#[allow(deprecated)]));
    let fields = fields(&runtime, record);
    let constants = constants(&runtime, record);
    let generics = with_bounds(&runtime, record);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let viewable = viewable(&runtime, record);
    // For a generic record, the constants are evaluated when its parameters are known, and panic then.
    let check = generics.params.is_empty().then(|| quote!(const _: () = #runtime::check::<#ident>();));
    quote! {
        #allow_deprecated
        const _: () = {
            #[automatically_derived]
            unsafe impl #impl_generics #runtime::Record for #ident #ty_generics #where_clause {
                #fields
            }

            #[automatically_derived]
            unsafe impl #impl_generics #runtime::Element for #ident #ty_generics #where_clause {
                #constants
            }

            #viewable

            #check
        };
    }
}

/// Says whether a view may have such items. No unsafe code relies on it.
fn viewable(runtime: &Runtime, record: &Record) -> TokenStream {
    let ident = record.ident;
    if record.generics.params.is_empty() {
        return quote! {
            #[automatically_derived]
            impl #runtime::RecordBits for #ident {
                type Bits = #runtime::Bits<{ #runtime::any_bits::<#ident>() }>;
            }
        };
    }
    let mut generics = with_bounds(runtime, record);
    let clause = generics.make_where_clause();
    for RecordField { ty, attrs, .. } in fields_of(record) {
        if attrs.described_as.value().is_none() && depends_on(record.generics, ty) {
            clause.predicates.push(parse_quote!(#ty: #runtime::Viewable));
        }
    }
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics #runtime::Viewable for #ident #ty_generics #where_clause {}
    }
}

/// The fields with bytes, in their order. An error about a field is reported at its type.
fn fields(runtime: &Runtime, record: &Record) -> TokenStream {
    let fields: Vec<(&RecordField, TokenStream)> = match &record.form {
        Form::Transparent(field) => vec![(field, TokenStream::new())],
        Form::Fields(fields) => fields.iter().map(|named| (named.field, naming(named))).collect(),
    };
    let members =
        fields.iter().map(|(field, _)| *field).chain(record.markers.iter().copied()).map(|field| &field.member);
    let markers = record.markers.iter().map(|marker| {
        let span = Span::call_site().located_at(marker.ty.span());
        let (projection, at) = (projection(&marker.member, span), runtime.at(span));
        quote_spanned!(span=> #at::marker(#projection);)
    });
    let variables: Vec<Ident> =
        (0..fields.len()).map(|index| format_ident!("__field{index}", span = Span::mixed_site())).collect();
    let previous = [None].into_iter().chain(variables.iter().map(Some));
    let values = fields.iter().zip(previous).map(|((field, naming), previous)| {
        let value = value(runtime, field, first_of_type(&fields, field), previous);
        quote!(#value #naming)
    });
    quote! {
        const FIELDS: &'static [#runtime::Field] = &{
            // This pattern fails to compile if there are other fields.
            let _ = |__record: Self| {
                let Self { #(#members: _),* } = __record;
            };
            #(#markers)*
            #(let #variables = #values;)*
            [#(#variables),*]
        };
    }
}

/// The call that changes the name for Python, if it is not the name in Rust.
fn naming(Named { field, name }: &Named) -> TokenStream {
    match name {
        None => quote!(.padding()),
        Some(name) if *name == shown(&field.member) => TokenStream::new(),
        Some(name) => quote!(.renamed(#name)),
    }
}

/// The name of a field in messages.
fn shown(member: &Member) -> String {
    match member {
        Member::Named(ident) => ident.to_string(),
        Member::Unnamed(index) => index.index.to_string(),
    }
}

/// Where an error about the type of a field is reported: at the first field of that type. Several errors in the same
/// words at the same place are one to the user.
fn first_of_type(fields: &[(&RecordField, TokenStream)], field: &RecordField) -> Span {
    let written = |field: &RecordField| (field.ty.to_token_stream().to_string(), field.attrs.described_as.is_given());
    let first = fields.iter().find(|(other, _)| written(other) == written(field));
    first.map_or(field.ty.span(), |(first, _)| first.ty.span())
}

/// The compiler's own data about a field. An error about its type is reported at `reported`.
fn value(runtime: &Runtime, field: &RecordField, reported: Span, previous: Option<&Ident>) -> TokenStream {
    // The hygiene of the macro; the position of the user's code, for errors.
    let span = Span::call_site().located_at(reported);
    let at = runtime.at(span);
    // Values in place of bounds, so that an error about the field's type is not also one about these functions.
    let (function, facts) = field.attrs.described_as.value().map_or_else(
        || (quote_spanned!(span=> #at::Field::new), quote_spanned!(span=> <_ as #at::Element>::FACTS)),
        |element| {
            let at_element = Span::call_site().located_at(element.span());
            let runtime = runtime.at(at_element);
            let facts = quote_spanned!(at_element=> <#element as #runtime::Element>::FACTS);
            (
                quote_spanned!(span=> #at::Field::described_as),
                quote_spanned!(span=> <_ as #at::AnyBytes>::PROVEN, #facts),
            )
        },
    );
    let member = &field.member;
    let projection = projection(member, span);
    let shown = shown(member);
    let previous_end = previous.map_or_else(|| quote!(0), |previous| quote!(#previous.end()));
    quote_spanned! {span=>
        #function(
            #projection,
            #facts,
            #at::Place {
                member: #shown,
                start: ::core::mem::offset_of!(Self, #member),
                previous_end: #previous_end,
            }
        )
    }
}

/// A function from the struct to a field, from which the compiler infers the field's type. It is never called.
fn projection(member: &Member, span: Span) -> TokenStream {
    quote_spanned! {span=>
        |__record: Self| {
            let Self { #member: __field, .. } = __record;
            __field
        }
    }
}

/// The rules about sizes for a record without parameters. They are in the constant from which all dependent constants
/// are computed, so each broken rule is reported at its field, and nothing else fails because of it.
fn rules(runtime: &Runtime, record: &Record) -> TokenStream {
    if !record.generics.params.is_empty() {
        return TokenStream::new();
    }
    let fields: Vec<&RecordField> = match &record.form {
        Form::Transparent(field) => vec![field],
        Form::Fields(fields) => fields.iter().map(|named| named.field).collect(),
    };
    let mut rules = TokenStream::new();
    for (index, field) in fields.iter().enumerate() {
        let mut rule = |span: Span, rule: TokenStream| {
            let at = runtime.at(span);
            rules.extend(quote_spanned!(span=> <() as #at::rules::#rule>::KEPT;));
        };
        let at_field = Span::call_site().located_at(field.ty.span());
        if matches!(field.ty, Type::Array(_)) {
            rule(at_field, quote!(NotEmpty<{ #runtime::size_of_field::<Self>(#index) > 0 }>));
        }
        if let Some(element) = field.attrs.described_as.value() {
            let sizes =
                quote!({ #runtime::size_of_field::<Self>(#index) }, { #runtime::size_of_described::<Self>(#index) });
            rule(Span::call_site().located_at(element.span()), quote!(SameSize<#sizes>));
        }
        if let Form::Fields(_) = record.form {
            let hole = quote!(#runtime::hole_before::<Self>(#index));
            match index.checked_sub(1).filter(|before| is_padding(fields[*before])) {
                None => rule(at_field, quote!(NoPaddingBefore<{ #hole }>)),
                Some(before) => rule(
                    Span::call_site().located_at(fields[before].ty.span()),
                    quote!(PaddingFits<{ #hole }, { #runtime::needed_before::<Self>(#index) }>),
                ),
            }
        }
        if index + 1 == fields.len() {
            let hole = quote!(#runtime::hole_at_end::<Self>());
            if is_padding(field) {
                rule(at_field, quote!(PaddingFits<{ #hole }, { #runtime::needed_at_end::<Self>() }>));
            } else {
                rule(at_field, quote!(NoPaddingAfter<{ #hole }>));
            }
        }
    }
    rules
}

/// Whether a field is an array that fills a hole.
fn is_padding(field: &RecordField) -> bool {
    field.attrs.padding.value().is_some() && matches!(field.ty, Type::Array(_))
}

fn constants(runtime: &Runtime, record: &Record) -> TokenStream {
    // An error about the struct as a whole is reported at its name.
    let span = Span::call_site().located_at(record.ident.span());
    let at = runtime.at(span);
    let (size, format, shape) = match record.form {
        Form::Fields(_) => {
            (quote_spanned!(span=> #at::size::<Self>()), quote!(format::<Self>()), quote!(InnerShape::SCALAR))
        }
        Form::Transparent(_) => (
            quote_spanned!(span=> #at::inner_size::<Self>()),
            quote!(inner_format::<Self>()),
            quote!(inner_shape::<Self>()),
        ),
    };
    let rules = rules(runtime, record);
    quote! {
        const FORMAT: &'static #runtime::CStr = #runtime::#format;
        const ITEMSIZE: ::core::primitive::usize = {
            #rules
            #size
        };
        const SHAPE: #runtime::InnerShape = #runtime::#shape;
        const ANY_BITS: ::core::primitive::bool = #runtime::any_bits::<Self>();
    }
}

/// The struct's own bounds, and bounds that require its fields to be elements.
fn with_bounds(runtime: &Runtime, record: &Record) -> Generics {
    let mut generics = record.generics.clone();
    if generics.params.is_empty() {
        return generics;
    }
    let clause = generics.make_where_clause();
    clause
        .predicates
        .push(parse_quote!(Self: ::core::marker::Copy + ::core::marker::Send + ::core::marker::Sync + 'static));
    for RecordField { ty, attrs, .. } in fields_of(record) {
        let described_as = attrs.described_as.value();
        if let Some(element) = described_as.filter(|element| depends_on(record.generics, *element)) {
            clause.predicates.push(parse_quote!(#element: #runtime::Element));
        }
        if depends_on(record.generics, ty) {
            clause.predicates.push(match described_as {
                Some(_) => parse_quote!(#ty: #runtime::AnyBytes),
                None => parse_quote!(#ty: #runtime::Element),
            });
        }
    }
    generics
}

/// The fields with bytes.
fn fields_of<'a>(record: &Record<'a>) -> Vec<&'a RecordField<'a>> {
    match &record.form {
        Form::Transparent(field) => vec![field],
        Form::Fields(fields) => fields.iter().map(|named| named.field).collect(),
    }
}

/// Whether a type mentions one of the parameters.
fn depends_on(generics: &Generics, ty: impl ToTokens) -> bool {
    ty.into_token_stream().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => generics.params.iter().any(|param| match param {
            GenericParam::Type(param) => param.ident == ident,
            GenericParam::Const(param) => param.ident == ident,
            GenericParam::Lifetime(_) => false,
        }),
        TokenTree::Group(group) => depends_on(generics, group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

#[cfg(test)]
mod tests;
