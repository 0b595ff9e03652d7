//! Emits the expansion of `#[derive(ExportBuffer)]`.
//!
//! Everything except the user's own tokens is named by its whole path, through `buffer_runtime::private` or `::core`,
//! so that nothing that the user defines or shadows can interfere. The user's expressions stand in a block of their
//! own, in which nothing is declared. The type of the field can refer to `__Export`, `__Field` and `__DESCRIPTOR`, with
//! which safe code can do nothing. Imports stand only in a block that contains none of the user's tokens except the
//! name of the struct. One trait is imported beside the struct, without a name: it is implemented only for a field
//! whose type is an error.

mod dims;
mod exporter;
mod pickle;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{DeriveInput, Error, Result};

use self::exporter::Exporting;
use self::pickle::pickled;
use crate::ast::Input;
use crate::ast::kind::{check_exported_once, check_no_record};
use crate::attr::{ClassAttrs, Setting};
use crate::check::{Export, Property, check};
use crate::ctxt::Ctxt;
use crate::expand::{Runtime, element};

/// The whole derive: reads and checks the input, and emits the expansion unless there was an error.
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

/// The expansion for a struct that is refused as a class: the errors, and implementations in the place of the missing
/// ones, so that a method with a `Part` of the object causes no second error.
pub(crate) fn refused(error: Error, input: &DeriveInput) -> TokenStream {
    if check_no_record(input).is_err() {
        return element::refused(error, input);
    }
    let errors = error.into_compile_error();
    // The other derive emits the implementations.
    if check_exported_once(input).is_err() {
        return errors;
    }
    let ctxt = Ctxt::new();
    let krate = ClassAttrs::from_syn(&ctxt, &input.attrs).krate;
    // The errors were reported.
    let _ = ctxt.check();
    let known = !matches!(krate, Setting::Broken) && Runtime::check(&input.ident, &krate).is_ok();
    // The bounds of parameters would cause errors of their own.
    if !known || !input.generics.params.is_empty() {
        return errors;
    }
    let (ident, runtime) = (&input.ident, Runtime::of(krate.value()));
    // A value that is computed from a constant with an error causes no further error.
    quote! {
        #[automatically_derived]
        unsafe impl #runtime::Exported for #ident {
            const ENTRY: #runtime::Entry<Self> = { #errors };
        }

        #[automatically_derived]
        unsafe impl #runtime::Exports for #ident {
            const ENTRIES: &'static [#runtime::Entry<Self>] = &[<Self as #runtime::Exported>::ENTRY];
        }
    }
}

fn emit(export: &Export) -> TokenStream {
    let ident = export.ident;
    let runtime = Runtime::of(export.krate);
    let allow_deprecated = export.deprecated.then(|| quote!(#[allow(deprecated)]));
    let mut fields = Vec::new();
    for (index, field) in (0..).zip(&export.fields) {
        fields.push(Exporting { runtime: &runtime, ident, field, index });
    }
    let (mut declares, mut exporters) = (Vec::new(), Vec::new());
    for field in &fields {
        declares.push(field.declares());
        let (exporter, holds_bytes, rules) = (field.exporter(), field.holds_bytes(), field.rules());
        exporters.push(quote!(#exporter #holds_bytes #rules));
    }
    let reserved = reserved_names(export);
    let class = Class::of(&runtime, ident);
    let own = fields.iter().find(|field| field.field.own).map(|field| own_buffer(&class, field, export.array));
    let properties = properties(&class, &fields);
    let pickled = export.pickle.as_ref().map(|pickle| pickled(&class, &runtime, pickle, &fields));
    quote! {
        use #runtime::GuardsOfExportCell as _;

        #allow_deprecated
        const _: () = {
            #(#declares)*

            #[doc(hidden)]
            impl #ident
            where
                for<'__never> (): #runtime::OnlyOneDefinition,
            {
                #reserved
            }
        };

        #allow_deprecated
        const _: () = {
            #(#exporters)*
            #pickled

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
    let methods = if array { quote!(with_array) } else { quote!(without_array) };
    quote! {
        // The entry belongs to an exporter of this class, as its type requires.
        #[automatically_derived]
        unsafe impl __buffer::Exported for #ident {
            #entry
        }

        __buffer::submit_slots!(#inventory, #exporter, #methods);
    }
}

/// Gives the class access to each exported field, and its properties.
fn properties(class: &Class, fields: &[Exporting]) -> TokenStream {
    let mut submitted = TokenStream::new();
    for field in fields {
        if let Some(Property { name, doc, .. }) = &field.field.property {
            let (exporter, name) = (field.exporter_name(), format!("{name}\0"));
            let doc = doc.as_ref().map(|doc| format!("{doc}\0"));
            let doc = doc.map_or_else(|| quote!(__buffer::None), |doc| quote!(__buffer::Some(__buffer::c_str(#doc))));
            submitted.extend(quote!([#exporter, __buffer::c_str(#name), #doc]));
        }
    }
    let Class { ident, inventory, .. } = class;
    let exporters: Vec<Ident> = fields.iter().map(Exporting::exporter_name).collect();
    let entries = class.entries(&exporters);
    let submitted = (!submitted.is_empty()).then(|| quote!(__buffer::submit_properties!(#inventory, #submitted);));
    quote! {
        // The entries belong to exporters of this class, as their type requires.
        #[automatically_derived]
        unsafe impl __buffer::Exports for #ident {
            #entries
        }

        #submitted
    }
}

/// The claims of the expansion about the class. A struct that is not a class, or a class that is bound to a thread,
/// breaks all of them in the same words at the same place, its name, so that the compiler shows one error.
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

    fn entries(&self, exporters: &[Ident]) -> TokenStream {
        let at = &self.at;
        quote_spanned! {self.span=>
            const ENTRIES: &'static [#at::Entry<Self>] = &[#(<#exporters as #at::Exporter>::ENTRY),*];
        }
    }
}

/// The functions that PyO3's `#[pymethods]` would emit for the methods that the class must not define again.
///
/// Without them, CPython would silently get one slot from each of the two definitions; with them, the second definition
/// of the name is an error, in whichever module it is.
///
/// The bound holds for no class, so nothing can call these functions. But another version of the runtime might satisfy
/// it, as far as the compiler knows, so they are duplicates all the same. Without the bound, PyO3's own call of the
/// user's method would be ambiguous, which is a second error. (`for` prevents the compiler from evaluating the bound by
/// itself.)
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
        // The names for a getter called `name` or `get_name`, and for a method.
        [format!("__pymethod_get_{name}__"), format!("__pymethod_get_get_{name}__"), format!("__pymethod_{name}__")]
            .map(|name| Ident::new(&name, Span::call_site().located_at(*span)))
    });
    let pickled = export.pickle.as_ref().map(|_| {
        quote!(
            fn __pymethod___reduce____() {}
            fn __pymethod___reduce_ex____() {}
            fn __pymethod___copy____() {}
            fn __pymethod___deepcopy____() {}
        )
    });
    quote! {
        #own
        #pickled
        #(
            fn #properties() {}
        )*
    }
}

#[cfg(test)]
mod tests;
