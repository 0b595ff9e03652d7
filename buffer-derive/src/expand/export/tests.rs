//! The emitted code, where it depends on decisions of the emitter itself.

use syn::parse_quote;

use super::*;

/// The expansion.
fn expanded(input: &DeriveInput) -> String {
    unspaced(&derive(input).expect("no error"))
}

/// `tokens` as text, without spaces, which depend on the origin of a token.
fn unspaced(tokens: &TokenStream) -> String {
    tokens.to_string().split_whitespace().collect()
}

/// `tokens` in the form of [`expanded`].
macro_rules! shown {
    ($($tokens:tt)*) => {
        &unspaced(&quote!($($tokens)*))
    };
}

mod numbers;

#[test]
fn errors_leave_nothing_else() {
    let error = derive(&parse_quote!(
        struct S;
    ))
    .expect_err("no field");
    let emitted = error.into_compile_error().to_string();
    assert!(emitted.contains("compile_error"));
    assert!(!emitted.contains("impl"));
}

#[test]
fn without_shape_the_storage_decides() {
    let expanded = expanded(&parse_quote!(
        struct S {
            data: ExportCell<Vec<f32>>,
        }
    ));
    assert!(expanded.contains(shown!(
        type __Field = ExportCell<Vec<f32>>;
    )));
    let mistake = shown!({
        use ::buffer_runtime::private::NoMistake as _;
        ::buffer_runtime::private::FieldType::<__Field>::MISTAKE
    });
    let cell = format!("typeCell=<__Fieldas::buffer_runtime::private::Shown<{mistake}>>::Itself;");
    assert!(expanded.contains(&cell), "{expanded}");
    assert!(expanded.contains(shown!(::buffer_runtime::private::Ok(::buffer_runtime::private::Fixed::NATURAL))));
    for declared in ["Declares", "const ORDER", "const READONLY", "const PIN", "const SOURCE", "const NDIM"] {
        assert!(!expanded.contains(&declared.replace(' ', "")), "{declared}");
    }
    assert!(expanded.contains(shown!(
        let S { data: ref __field, .. } = *__class;
        let ref __cell: Self::Cell = *__field;
    )));
    assert!(expanded.contains(shown!(__buffer::submit_slots!(
        <S as ::buffer_runtime::private::Named>::Inventory,
        __Export,
        with_array
    ))));
}

#[test]
fn nothing_is_imported_where_the_users_tokens_are() {
    let expanded = expanded(&parse_quote!(
        struct S {
            #[buffer(format = first(), shape = [second()], readonly = third())]
            data: field!(),
        }
    ));
    let selected = shown!({
        use ::buffer_runtime::private::Unknown as _;
        ::buffer_runtime::private::ExportDeclaration::<__Export, <__Export as ::buffer_runtime::private::Exporter>::Cell>::FAULT
    });
    let known = shown!({
        use ::buffer_runtime::private::Unexportable as _;
        ::buffer_runtime::private::ExportField::<__Field>::KNOWN
    });
    let mistake = shown!({
        use ::buffer_runtime::private::NoMistake as _;
        ::buffer_runtime::private::FieldType::<__Field>::MISTAKE
    });
    // Has no name, and is implemented only for a field whose type is an error.
    let unknown = shown!(
        use ::buffer_runtime::private::GuardsOfExportCell as _;
    );
    let expanded = expanded.replace(selected, "").replace(known, "").replace(mistake, "").replacen(unknown, "", 1);
    let imported = expanded.find("use::buffer_runtime::private").expect("one block of the expander's own");
    for theirs in ["first()", "second()", "third()", "field!"] {
        assert!(expanded.rfind(theirs).is_some_and(|place| place < imported), "{theirs}: {expanded}");
    }
    let declared = expanded.find("__Export").expect("the exporter");
    for theirs in ["first()", "second()", "third()"] {
        assert!(expanded.rfind(theirs).is_some_and(|place| place < declared), "{theirs}: {expanded}");
    }
}

#[test]
fn pin_is_said_and_changes_nothing_else() {
    let pinned = expanded(&parse_quote!(
        struct S(#[buffer(pin)] Cell);
    ));
    assert!(pinned.contains(shown!(
        const PIN: ::core::primitive::bool = true;
    )));
    let plain = expanded(&parse_quote!(
        struct S(#[buffer] Cell);
    ));
    assert_eq!(pinned.replace("constPIN:::core::primitive::bool=true;", ""), plain);
}

#[test]
fn readonly_at_compile_time_stays_there() {
    for (options, readonly) in [(quote!(readonly), true), (quote!(readonly = self.sealed), false)] {
        let expanded = expanded(&parse_quote!(
            struct S(#[buffer(format = "d", #options)] Cell);
        ));
        assert_eq!(
            expanded.contains(shown!(
                const READONLY: ::core::primitive::bool = true;
            )),
            readonly
        );
    }
}

#[test]
fn a_format_needs_bytes() {
    let holds_bytes = shown!(
        const _: () = <() as ::buffer_runtime::private::HoldsBytes<Samples>>::BYTES;
    );
    for (options, needed) in [
        (quote!(format = "d", shape = [2]), true),
        (quote!(shape = self.dims(), readonly = self.sealed), false),
        (quote!(shape = [2]), false),
    ] {
        let expanded = expanded(&parse_quote!(
            struct S(#[buffer(#options)] Samples);
        ));
        assert_eq!(expanded.contains(holds_bytes), needed, "{options}");
    }
}

#[test]
fn the_class_leads_to_its_exporter() {
    let expanded = expanded(&parse_quote!(
        struct S(#[buffer] Py<Other>);
    ));
    assert!(expanded.contains(shown!(
        unsafe impl __buffer::Exported for S {
            const ENTRY: ::buffer_runtime::private::Entry<Self> =
                <__Export as ::buffer_runtime::private::Exporter>::ENTRY;
        }
    )));
    assert!(expanded.contains(shown!(
        type __Field = Py<Other>;
    )));
}

#[test]
fn self_in_the_type_of_the_field_is_the_class() {
    let expanded = expanded(&parse_quote!(
        struct S(#[buffer(format = "f")] ExportCell<[u8; { <Self as Sized>::N + other!(Self) }]>);
    ));
    let cell = quote!(ExportCell<[u8; { <S as Sized>::N + other!(S) }]>);
    assert!(expanded.contains(shown!(type __Field = #cell;)), "{expanded}");
    assert!(expanded.contains(shown!(<() as ::buffer_runtime::private::HoldsBytes<#cell>>::BYTES)), "{expanded}");
}

#[test]
fn the_crate_path_is_used() {
    let expanded = expanded(&parse_quote!(
        #[buffer(crate = "crate::facade::renamed")]
        struct S(ExportCell<Vec<f32>>);
    ));
    assert!(expanded.contains(shown!(
        use crate::facade::renamed::private as __buffer;
    )));
    assert!(!expanded.contains("buffer_runtime"));
}

#[test]
fn no_array_leaves_out_the_method() {
    let with = expanded(&parse_quote!(
        struct S(ExportCell<Vec<f32>>);
    ));
    assert!(with.contains("fn__pymethod___array____"));
    let without = expanded(&parse_quote!(
        #[buffer(no_array)]
        struct S(ExportCell<Vec<f32>>);
    ));
    assert!(!without.contains("__array__"));
}

#[test]
fn deprecated_classes_and_fields_do_not_warn_twice() {
    let allow = shown!(#[allow(deprecated)]).clone();
    for deprecated in [
        parse_quote!(
            #[deprecated]
            struct S(ExportCell<Vec<f32>>);
        ),
        parse_quote!(
            struct S(#[deprecated] ExportCell<Vec<f32>>);
        ),
    ] {
        assert!(expanded(&deprecated).contains(&allow));
    }
    assert!(
        !expanded(&parse_quote!(
            struct S(ExportCell<Vec<f32>>);
        ))
        .contains(&allow)
    );
}
