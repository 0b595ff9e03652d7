//! The emitted numbers of a declaration: extents, strides, offset and order.

use super::*;

/// The order that is declared.
fn order(expanded: &str) -> Option<&str> {
    let (_, rest) = expanded.split_once("::buffer_runtime::private::Order=::buffer_runtime::private::Order::")?;
    Some(rest.split_once(';')?.0)
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
            ::buffer_runtime::private::Dimension::dim(self.n),
            ::buffer_runtime::private::Dim::Inferred,
            ::buffer_runtime::private::Dimension::dim(3u64)
        ],
        []
    ))));
    assert!(expanded.contains(shown!(
        const NDIM: ::buffer_runtime::private::Option<::core::primitive::usize> =
            ::buffer_runtime::private::Some(3usize);
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
        let S { 1: ref __field, 0: _, 2: _, .. } = *__class;
    )));
}

#[test]
fn offset_follows_the_extents() {
    let expanded = expanded(&parse_quote!(
        struct S(#[buffer(shape = [_, 3], order = "F", offset = self.1)] Cell, u64);
    ));
    assert!(expanded.contains(shown!(::buffer_runtime::private::Fixed::new(
        [::buffer_runtime::private::Dim::Inferred, ::buffer_runtime::private::Dimension::dim(3u64)],
        [::buffer_runtime::private::Dimension::distance(self.1)]
    ))));
    assert!(expanded.contains(shown!(
        const NDIM: ::buffer_runtime::private::Option<::core::primitive::usize> =
            ::buffer_runtime::private::Some(2usize);
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
            [::buffer_runtime::private::Dimension::dim(2u64), ::buffer_runtime::private::Dimension::dim(3u64)],
            [
                ::buffer_runtime::private::Dimension::distance(#offset),
                ::buffer_runtime::private::Dimension::distance(self.2),
                ::buffer_runtime::private::Dimension::distance(self.1)
            ]
        ))));
        assert!(expanded.contains(shown!(
            const NDIM: ::buffer_runtime::private::Option<::core::primitive::usize> =
                ::buffer_runtime::private::Some(2usize);
        )));
        assert_eq!(order(&expanded), None);
    }
}

#[test]
fn a_scalar_is_declared_by_no_numbers() {
    for (options, placement) in [
        (quote!(shape = []), quote!([])),
        (quote!(shape = [], offset = 4), quote!([::buffer_runtime::private::Dimension::distance(4u64)])),
        (quote!(shape = [], strides = []), quote!([::buffer_runtime::private::Dimension::distance(0usize)])),
    ] {
        let expanded = expanded(&parse_quote!(
            struct S(#[buffer(#options)] Cell);
        ));
        assert!(expanded.contains(shown!(
            const NDIM: ::buffer_runtime::private::Option<::core::primitive::usize> =
                ::buffer_runtime::private::Some(0usize);
        )));
        assert!(expanded.contains(shown!(::buffer_runtime::private::Fixed::new([], #placement))), "{options}");
        assert!(expanded.contains(shown!(::buffer_runtime::private::ShapeSource::Fields)), "{options}");
    }
}

#[test]
fn what_is_known_at_run_time_is_evaluated_in_order() {
    for (options, parts) in [
        (
            quote!(shape = self.dims()),
            quote!(false, (), ::buffer_runtime::private::Numbers::dims(&self.dims()), (), ()),
        ),
        (
            quote!(shape = &self.dims[..], offset = 4),
            quote!(
                false,
                (),
                ::buffer_runtime::private::Numbers::dims(&&self.dims[..]),
                ::buffer_runtime::private::Dimension::distance(4u64),
                ()
            ),
        ),
        (
            quote!(readonly = S { a: 1 } == *self),
            quote!(if (S { a: 1 }) == *self { true } else { false }, (), (), (), ()),
        ),
        (
            quote!(shape = [_, 3], format = self.format()?),
            quote!(
                false,
                ::buffer_runtime::private::Parsed::of(::buffer_runtime::private::FormatText::text(&self.format()?))?,
                [::buffer_runtime::private::Dim::Inferred, ::buffer_runtime::private::Dimension::dim(3u64)],
                (),
                ()
            ),
        ),
        (
            quote!(strides = self.strides(), shape = [2]),
            quote!(
                false,
                (),
                [::buffer_runtime::private::Dimension::dim(2u64)],
                (),
                ::buffer_runtime::private::Numbers::distances(&self.strides())
            ),
        ),
        (
            quote!(strides = [-4], offset = self.start, shape = self.dims, format = f(self), readonly = !self.open),
            quote!(
                if !self.open { true } else { false },
                ::buffer_runtime::private::Parsed::of(::buffer_runtime::private::FormatText::text(&f(self)))?,
                ::buffer_runtime::private::Numbers::dims(&self.dims),
                ::buffer_runtime::private::Dimension::distance(self.start),
                [::buffer_runtime::private::Dimension::distance(-4i64)]
            ),
        ),
    ] {
        let expanded = expanded(&parse_quote!(
            struct S(#[buffer(#options)] Cell);
        ));
        let declared = shown!(::buffer_runtime::private::Ok(::buffer_runtime::private::Declared::new(#parts)));
        assert!(expanded.contains(declared), "{options}: {expanded}");
        assert!(expanded.contains(shown!(::buffer_runtime::private::ShapeSource::Code)), "{options}");
    }
}

#[test]
fn a_literal_format_and_plain_fields_run_no_code() {
    for options in [
        quote!(format = "d"),
        quote!(format = &"d", shape = [_, self.1], readonly = self.2),
        quote!(readonly = self.2, shape = [2], strides = [self.1], offset = self.1),
    ] {
        let expanded = expanded(&parse_quote!(
            struct S(#[buffer(#options)] Cell, usize, bool);
        ));
        assert!(expanded.contains(shown!(::buffer_runtime::private::ShapeSource::Fields)), "{options}");
    }
}

#[test]
fn the_type_of_a_field_decides_whether_its_text_runs_code() {
    for options in [quote!(format = self.1), quote!(format = &self.1, shape = [self.2])] {
        let expanded = expanded(&parse_quote!(
            struct S(#[buffer(#options)] Cell, Text<Self>, usize);
        ));
        assert!(expanded.contains(shown!(::buffer_runtime::private::Unparsed::of(
            ::buffer_runtime::private::FormatText::text(&self.1)
        ))));
        assert!(expanded.contains(shown!(
            const SOURCE: ::buffer_runtime::private::ShapeSource = {
                use ::buffer_runtime::private::TextByCode as _;
                ::buffer_runtime::private::TextOf::<__Text>::SOURCE_WITH_TEXT
            };
        )));
        assert!(expanded.contains(shown!(
            type __Text = Text<S>;
        )));
        // The field has that type, whatever other macros have made of the struct.
        assert!(expanded.contains(shown!(let ref __text: __Text = *__text;)), "{options}: {expanded}");
    }
}

#[test]
fn a_format_beside_other_code_is_code() {
    for options in [quote!(format = self.1, shape = self.dims()), quote!(format = "d", readonly = !self.2)] {
        let expanded = expanded(&parse_quote!(
            struct S(#[buffer(#options)] Cell, String, bool);
        ));
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
        assert!(expanded.contains(shown!(::buffer_runtime::private::Numbers::dims(#emitted))), "{written}: {expanded}");
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
fn code_in_an_extent_is_declared() {
    let expanded = expanded(&parse_quote!(
        struct S(#[buffer(shape = [self.rows()?, _])] Cell);
    ));
    assert!(expanded.contains(shown!(::buffer_runtime::private::ShapeSource::Code)));
    assert!(expanded.contains(shown!(::buffer_runtime::private::Dimension::dim(self.rows()?))));
    assert!(expanded.contains(shown!(
        let S { 0: ref __field, .. } = *__class;
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
        assert!(expanded.contains(shown!(::buffer_runtime::private::Dimension::dim(#emitted))), "{written}");
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
        assert!(expanded.contains(shown!(::buffer_runtime::private::Dimension::distance(#emitted))), "{written}");
    }
}
