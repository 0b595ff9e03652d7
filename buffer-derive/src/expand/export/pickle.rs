//! Emits how the objects of a class are pickled and unpickled.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;

use super::Class;
use super::exporter::{Exporting, without_self};
use crate::check::{Kept, Pickle, PickledField};
use crate::expand::Runtime;

/// Declares how a class is `Pickled`, and gives it the methods.
///
/// All of this is in one macro, so that the runtime without its feature `pickle` can refuse it in one message.
pub(super) fn pickled(class: &Class, runtime: &Runtime, pickle: &Pickle, exported: &[Exporting]) -> TokenStream {
    let Class { ident, inventory, itself, at: class_at, span: name } = class;
    let exporters: Vec<_> = exported.iter().map(Exporting::exporter_name).collect();
    let (mut cells, mut given, mut made) = (TokenStream::new(), TokenStream::new(), TokenStream::new());
    let mut names = Vec::new();
    for PickledField { member, ty, name, kind } in &pickle.fields {
        // A type that cannot be pickled is reported where it is written.
        let span = Span::call_site().located_at(ty.span());
        let at = runtime.at(span);
        let ty = without_self(ty.to_token_stream(), ident);
        let index = names.len();
        let place = quote!(&__FIELDS[#index]);
        let name = format!("{name}\0");
        let name = quote!(#runtime::pickle::FieldName::new(#runtime::c_str(#name)));
        let value = match kind {
            Kept::Memory(cell) => {
                let of = &exporters[*cell];
                names.push(name);
                cells.extend(quote!((#index, #runtime::Entry::of::<#of>()),));
                quote_spanned!(span=> <() as #at::pickle::ArrivingCell<#ty>>::arrive(__arrived, #place)?)
            }
            Kept::Value => {
                names.push(name);
                given.extend(quote_spanned! {span=>
                    <#ty as #at::pickle::Field>::give(&__value.#member, __given, #place)?;
                });
                quote_spanned!(span=> <#ty as #at::pickle::Field>::arrive(__arrived, #place)?)
            }
            Kept::Nothing => quote_spanned!(span=> <#ty as ::core::default::Default>::default()),
        };
        made.extend(quote!(#member: #value,));
    }
    let span = Span::call_site().located_at(pickle.span);
    let at = runtime.at(span);
    let count = names.len();
    // By its clauses: the entries belong to exporters of this class, as their type requires, and the class is a root.
    let implementation = quote_spanned! {*name=>
        struct __Pickle;

        static __FIELDS: [#runtime::pickle::FieldName; #count] = [#(#names),*];
        static __STRINGS: #runtime::pickle::Strings = #runtime::pickle::Strings::new(&__FIELDS);

        #[automatically_derived]
        unsafe impl #runtime::pickle::Pickled for __Pickle {
            type Class = #itself;

            const CELLS: &'static [(::core::primitive::usize, #class_at::Entry<Self::Class>)] = &[#cells];
            const STRINGS: fn() -> &'static #runtime::pickle::Strings = || &__STRINGS;
            const INSTANCE: #class_at::pickle::Instance<Self::Class> = <#ident as #class_at::pickle::Root>::INSTANCE;

            fn give(__value: &#ident, __given: &#runtime::pickle::Given<'_>) -> #runtime::PyResult<()> {
                #given
                #runtime::Ok(())
            }

            fn rebuild(__arrived: &#runtime::pickle::Arrived<'_, '_>) -> #runtime::PyResult<#ident> {
                #runtime::Ok(#ident { #made })
            }
        }
    };
    quote_spanned! {span=>
        #at::submit_pickle! { #inventory, __Pickle, { #implementation } }
    }
}
