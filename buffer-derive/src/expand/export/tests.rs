//! What is emitted, for the decisions that are the emitter's own.

use syn::parse_quote;

use super::*;

/// The expansion.
fn expanded(input: &DeriveInput) -> String {
    unspaced(&derive(input).expect("no error"))
}

/// `tokens` as text, without the spaces, which depend on where a token comes from.
fn unspaced(tokens: &TokenStream) -> String {
    tokens.to_string().split_whitespace().collect()
}

/// `tokens` the way [`expanded`] shows them.
macro_rules! shown {
    ($($tokens:tt)*) => {
        &unspaced(&quote!($($tokens)*))
    };
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
        use ::buffer_runtime::private as __buffer;
    )));
    assert!(expanded.contains(shown!(
        type Cell = ExportCell<Vec<f32>>;
    )));
    assert!(expanded.contains(shown!(
        type Dims = [__buffer::Dim; 0usize];
    )));
    assert!(expanded.contains(shown!(__buffer::ShapeSource::Storage)));
    assert!(expanded.contains(shown!(__buffer::Ok([]))));
    assert!(expanded.contains(shown!(__buffer::Placement::Dense)));
    assert!(expanded.contains(shown!(&class.data)));
    assert!(expanded.contains(shown!(__buffer::submit_slots!(S, __Export, ARRAY))));
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
    assert!(expanded.contains(shown!(__buffer::Ok([
        __buffer::Dim::of(self.n),
        __buffer::Dim::Inferred,
        __buffer::Dim::of(3usize)
    ]))));
    assert!(expanded.contains(shown!(
        type Dims = [__buffer::Dim; 3usize];
    )));
    assert!(expanded.contains(shown!(__buffer::ShapeSource::Fields)));
    assert!(expanded.contains(shown!(
        const ORDER: __buffer::Order = __buffer::Order::F;
        const PLACEMENT: __buffer::Placement = __buffer::Placement::Dense;
    )));
    assert!(expanded.contains(shown!(
        const READONLY: ::core::primitive::bool = true;
    )));
}

#[test]
fn offset_follows_the_extents() {
    let expanded = expanded(&parse_quote!(
        struct S(#[buffer(shape = [_, 3], order = "F", offset = self.1)] Cell, u64);
    ));
    assert!(expanded.contains(shown!(__buffer::Ok([
        __buffer::Dim::Inferred,
        __buffer::Dim::of(3usize),
        __buffer::Dim::of(self.1)
    ]))));
    assert!(expanded.contains(shown!(
        type Dims = [__buffer::Dim; 3usize];
        const ORDER: __buffer::Order = __buffer::Order::F;
        const PLACEMENT: __buffer::Placement = __buffer::Placement::Offset;
    )));
    assert!(expanded.contains(shown!(-> __buffer::PyResult<[__buffer::Dim; 3usize]>)));
    assert!(expanded.contains(shown!(__buffer::ShapeSource::Fields)));
}

#[test]
fn strides_follow_the_offset() {
    for (written, offset) in [(quote!(), quote!(0usize)), (quote!(, offset = self.start()), quote!(self.start()))] {
        let expanded = expanded(&parse_quote!(
            struct S(#[buffer(strides = [-12, self.1], shape = [2, 3] #written)] Cell, isize);
        ));
        assert!(expanded.contains(shown!(__buffer::Ok([
            __buffer::Dim::of(2usize),
            __buffer::Dim::of(3usize),
            __buffer::Dim::of(#offset),
            __buffer::Dim::of(-12isize),
            __buffer::Dim::of(self.1)
        ]))));
        assert!(expanded.contains(shown!(
            type Dims = [__buffer::Dim; 5usize];
            const ORDER: __buffer::Order = __buffer::Order::C;
            const PLACEMENT: __buffer::Placement = __buffer::Placement::Strided;
        )));
    }
}

#[test]
fn code_in_an_extent_is_declared() {
    let expanded = expanded(&parse_quote!(
        struct S(#[buffer(shape = [self.rows()?, _])] Cell);
    ));
    assert!(expanded.contains(shown!(__buffer::ShapeSource::Code)));
    assert!(expanded.contains(shown!(__buffer::Dim::of(self.rows()?))));
    assert!(expanded.contains(shown!(&class.0)));
}

#[test]
fn integer_literals_without_a_type_become_usize() {
    for (written, emitted) in [
        (quote!(3), quote!(3usize)),
        (quote!(1_000), quote!(1_000usize)),
        (quote!(0x1f), quote!(0x1fusize)),
        (quote!(0b11), quote!(0b11usize)),
        (quote!(3u8), quote!(3u8)),
        (quote!(2 * 3), quote!(2 * 3)),
    ] {
        let expanded = expanded(&parse_quote!(
            struct S(#[buffer(shape = [#written])] Cell);
        ));
        assert!(expanded.contains(shown!(__buffer::Dim::of(#emitted))), "{written}");
    }
}

#[test]
fn negated_literals_without_a_type_become_isize() {
    for (written, emitted) in [
        (quote!(-4), quote!(-4isize)),
        (quote!((-4)), quote!(-4isize)),
        (quote!(-0x10), quote!(-0x10isize)),
        (quote!(-4i16), quote!(-4i16)),
        (quote!(4), quote!(4usize)),
        (quote!(-self.1), quote!(-self.1)),
    ] {
        let expanded = expanded(&parse_quote!(
            struct S(#[buffer(shape = [3], strides = [#written])] Cell, i32);
        ));
        assert!(expanded.contains(shown!(__buffer::Dim::of(#emitted))), "{written}");
    }
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

#[test]
fn every_self_is_resolved_as_the_first() {
    let mut receiver = Receiver::default();
    let tokens = quote!(self.a + f(&self, [self.b]) + mac! { self });
    let resolved = receiver.resolve(tokens.clone());
    assert_eq!(resolved.to_string(), tokens.to_string());
    assert!(receiver.found.is_some());
}
