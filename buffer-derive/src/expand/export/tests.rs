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

/// The order that is declared.
fn order(expanded: &str) -> Option<&str> {
    let (_, rest) = expanded.split_once("::buffer_runtime::private::Order=::buffer_runtime::private::Order::")?;
    Some(rest.split_once(';')?.0)
}

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
        type Cell = ExportCell<Vec<f32>>;
    )));
    assert!(expanded.contains(shown!(
        type Dims = ::buffer_runtime::private::Fixed<0, 0>;
    )));
    assert!(expanded.contains(shown!(::buffer_runtime::private::Ok(::buffer_runtime::private::Fixed::NATURAL))));
    for declared in ["Declares", "const ORDER", "const READONLY", "const PIN", "const SOURCE"] {
        assert!(!expanded.contains(&declared.replace(' ', "")), "{declared}");
    }
    assert!(expanded.contains(shown!(
        let S { data: ref field, .. } = *class;
        let ref cell: Self::Cell = *field;
    )));
    assert!(expanded.contains(shown!(__buffer::submit_slots!(
        <S as ::buffer_runtime::private::Named>::Inventory,
        __Export,
        ARRAY
    ))));
}

#[test]
fn extents_are_evaluated_in_order() {
    let expanded = expanded(&parse_quote!(
        struct S {
            n: usize,
            #[buffer(shape = [self.n, _, 3], order = "F", readonly)]
            data: ExportCell<Vec<f32>>,
        }
    ));
    assert!(expanded.contains(shown!(::buffer_runtime::private::Fixed::new(
        [
            ::buffer_runtime::private::Dim::of(self.n),
            ::buffer_runtime::private::Dim::Inferred,
            ::buffer_runtime::private::Dim::of(3u64)
        ],
        []
    ))));
    assert!(expanded.contains(shown!(
        type Dims = ::buffer_runtime::private::Fixed<3usize, 0usize>;
    )));
    assert!(expanded.contains(shown!(::buffer_runtime::private::ShapeSource::Fields)));
    assert!(expanded.contains(shown!(
        const ORDER: ::buffer_runtime::private::Order = ::buffer_runtime::private::Order::F;
        const READONLY: ::core::primitive::bool = true;
    )));
    assert!(!expanded.contains("constPIN"));
}

#[test]
fn the_fields_that_are_read_are_those_of_the_struct() {
    let expanded = expanded(&parse_quote!(
        struct S(usize, #[buffer(shape = [self.0, self.2 as usize], strides = [4, self.0], offset = N)] Cell, u8);
    ));
    assert!(expanded.contains(shown!(
        let S { 1: ref field, 0: _, 2: _, .. } = *class;
    )));
}

#[test]
fn nothing_is_imported_where_the_users_tokens_are() {
    let expanded = expanded(&parse_quote!(
        struct S {
            #[buffer(format = first(), shape = [second()], readonly = third())]
            data: field!(),
        }
    ));
    let selected = shown!(<__Export as ::buffer_runtime::private::Described<{
        use ::buffer_runtime::private::Unknown as _;
        ::buffer_runtime::private::ExportDeclaration::<__Export, <__Export as ::buffer_runtime::private::Exporter>::Cell>::FAULT
    }>>);
    let expanded = expanded.replace(selected, "");
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
fn offset_follows_the_extents() {
    let expanded = expanded(&parse_quote!(
        struct S(#[buffer(shape = [_, 3], order = "F", offset = self.1)] Cell, u64);
    ));
    assert!(expanded.contains(shown!(::buffer_runtime::private::Fixed::new(
        [::buffer_runtime::private::Dim::Inferred, ::buffer_runtime::private::Dim::of(3u64)],
        [::buffer_runtime::private::Distance::of(self.1)]
    ))));
    assert!(expanded.contains(shown!(
        type Dims = ::buffer_runtime::private::Fixed<2usize, 1usize>;
    )));
    assert_eq!(order(&expanded), Some("F"));
    assert!(expanded.contains(shown!(::buffer_runtime::private::ShapeSource::Fields)));
}

#[test]
fn strides_follow_the_offset() {
    for (written, offset) in [(quote!(), quote!(0usize)), (quote!(, offset = self.start()), quote!(self.start()))] {
        let expanded = expanded(&parse_quote!(
            struct S(#[buffer(strides = [self.2, self.1], shape = [2, 3] #written)] Cell, isize, isize);
        ));
        assert!(expanded.contains(shown!(::buffer_runtime::private::Fixed::new(
            [::buffer_runtime::private::Dim::of(2u64), ::buffer_runtime::private::Dim::of(3u64)],
            [
                ::buffer_runtime::private::Distance::of(#offset),
                ::buffer_runtime::private::Distance::of(self.2),
                ::buffer_runtime::private::Distance::of(self.1)
            ]
        ))));
        assert!(expanded.contains(shown!(
            type Dims = ::buffer_runtime::private::Fixed<2usize, 3usize>;
        )));
        assert_eq!(order(&expanded), None);
    }
}

#[test]
fn a_scalar_is_declared_by_no_numbers() {
    for (options, len, placement) in [
        (quote!(shape = []), 0usize, quote!([])),
        (quote!(shape = [], offset = 4), 1, quote!([::buffer_runtime::private::Distance::of(4u64)])),
        (quote!(shape = [], strides = []), 1, quote!([::buffer_runtime::private::Distance::of(0usize)])),
    ] {
        let expanded = expanded(&parse_quote!(
            struct S(#[buffer(#options)] Cell);
        ));
        assert!(expanded.contains(shown!(
            type Dims = ::buffer_runtime::private::Fixed<0usize, #len>;
        )));
        assert!(expanded.contains(shown!(::buffer_runtime::private::Fixed::new([], #placement))), "{options}");
        assert!(expanded.contains(shown!(::buffer_runtime::private::ShapeSource::Fields)), "{options}");
    }
}

#[test]
fn what_is_known_at_run_time_is_evaluated_in_order() {
    for (options, calls) in [
        (quote!(shape = self.dims()), quote!(.shape(&self.dims()))),
        (
            quote!(shape = &self.dims[..], offset = 4),
            quote!(.shape(&&self.dims[..]).offset(::buffer_runtime::private::Distance::of(4u64))),
        ),
        (quote!(format = "d"), quote!(.format(&"d")?)),
        (quote!(readonly = self.sealed), quote!(.readonly(self.sealed))),
        (
            quote!(shape = [_, 3], format = self.format()?),
            quote!(.format(&self.format()?)?.extents([::buffer_runtime::private::Dim::Inferred, ::buffer_runtime::private::Dim::of(3u64)])),
        ),
        (quote!(shape = [], format = "d"), quote!(.format(&"d")?.extents([]))),
        (
            quote!(strides = self.strides(), shape = [2]),
            quote!(.extents([::buffer_runtime::private::Dim::of(2u64)]).strides(&self.strides())),
        ),
        (
            quote!(strides = [-4], offset = self.start, shape = self.dims, format = f(self), readonly = !self.open),
            quote!(
                .readonly(!self.open)
                .format(&f(self))?
                .shape(&self.dims)
                .offset(::buffer_runtime::private::Distance::of(self.start))
                .steps([::buffer_runtime::private::Distance::of(-4i64)])
            ),
        ),
    ] {
        let expanded = expanded(&parse_quote!(
            struct S(#[buffer(#options)] Cell);
        ));
        assert!(
            expanded.contains(shown!(::buffer_runtime::private::Ok(::buffer_runtime::private::Declared::new() #calls))),
            "{options}: {expanded}"
        );
        assert!(expanded.contains(shown!(
            type Dims = ::buffer_runtime::private::Declared;
        )));
        assert!(expanded.contains(shown!(::buffer_runtime::private::ShapeSource::Code)), "{options}");
    }
}

#[test]
fn what_is_referred_to_stays_together() {
    for (written, emitted) in [
        (quote!(self.a + self.b), quote!(&(self.a + self.b))),
        (quote!(self.a as Dims), quote!(&(self.a as Dims))),
        (quote!((self.a)), quote!(&self.a)),
        (quote!(*self.a), quote!(&*self.a)),
        (quote!(self.a[1..]), quote!(&self.a[1..])),
        (quote!({ self.a }), quote!(&{ self.a })),
    ] {
        let expanded = expanded(&parse_quote!(
            struct S(#[buffer(shape = #written)] Cell);
        ));
        assert!(expanded.contains(shown!(.shape(#emitted))), "{written}: {expanded}");
    }
}

#[test]
fn an_order_is_declared_where_it_is_written() {
    for (options, declared) in [
        (quote!(shape = self.dims()), None),
        (quote!(shape = self.dims(), order = "F"), Some("F")),
        (quote!(shape = self.dims(), order = "F", offset = 4), Some("F")),
        (quote!(shape = self.dims(), strides = [4], offset = 4), None),
        (quote!(shape = [3], strides = self.strides()), None),
        (quote!(format = "d"), None),
        (quote!(readonly = self.sealed, shape = [_, 3], order = "F"), Some("F")),
    ] {
        let expanded = expanded(&parse_quote!(
            struct S(#[buffer(#options)] Cell);
        ));
        assert_eq!(order(&expanded), declared, "{options}");
    }
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
        const _: () = ::buffer_runtime::private::holds_bytes::<Samples>();
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
        type Cell = Py<Other>;
    )));
}

#[test]
fn code_in_an_extent_is_declared() {
    let expanded = expanded(&parse_quote!(
        struct S(#[buffer(shape = [self.rows()?, _])] Cell);
    ));
    assert!(expanded.contains(shown!(::buffer_runtime::private::ShapeSource::Code)));
    assert!(expanded.contains(shown!(::buffer_runtime::private::Dim::of(self.rows()?))));
    assert!(expanded.contains(shown!(
        let S { 0: ref field, .. } = *class;
    )));
}

#[test]
fn integer_literals_without_a_type_become_u64() {
    for (written, emitted) in [
        (quote!(3), quote!(3u64)),
        (quote!(1_000), quote!(1_000u64)),
        (quote!(0x1f), quote!(0x1fu64)),
        (quote!(0b11), quote!(0b11u64)),
        (quote!(3u8), quote!(3u8)),
        (quote!(2 * 3), quote!(2 * 3)),
    ] {
        let expanded = expanded(&parse_quote!(
            struct S(#[buffer(shape = [#written])] Cell);
        ));
        assert!(expanded.contains(shown!(::buffer_runtime::private::Dim::of(#emitted))), "{written}");
    }
}

#[test]
fn negated_literals_without_a_type_become_i64() {
    for (written, emitted) in [
        (quote!(-4), quote!(-4i64)),
        (quote!((-4)), quote!(-4i64)),
        (quote!(-0x10), quote!(-0x10i64)),
        (quote!(-4i16), quote!(-4i16)),
        (quote!(4), quote!(4u64)),
        (quote!(-self.1), quote!(-self.1)),
    ] {
        let expanded = expanded(&parse_quote!(
            struct S(#[buffer(shape = [3], strides = [#written], offset = self.1)] Cell, i32);
        ));
        assert!(expanded.contains(shown!(::buffer_runtime::private::Distance::of(#emitted))), "{written}");
    }
}

#[test]
fn self_in_the_type_of_the_field_is_the_class() {
    let expanded = expanded(&parse_quote!(
        struct S(#[buffer(format = "f")] ExportCell<[u8; { <Self as Sized>::N + other!(Self) }]>);
    ));
    let cell = quote!(ExportCell<[u8; { <S as Sized>::N + other!(S) }]>);
    assert!(expanded.contains(shown!(type Cell = #cell;)), "{expanded}");
    assert!(expanded.contains(shown!(::buffer_runtime::private::holds_bytes::<#cell>())), "{expanded}");
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
