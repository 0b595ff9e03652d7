//! The rules about `strides` and `offset`.

use super::super::literals::Kind;
use super::*;

#[test]
fn strides_and_offset_need_a_shape() {
    assert_eq!(
        error(&parse_quote!(
            struct S(#[buffer(strides = [4])] Cell);
        )),
        "`strides` needs a `shape`; write one beside it, as in `shape = [self.nrows, self.ncols]`, or remove `strides`"
    );
    assert_eq!(
        error(&parse_quote!(
            struct S(#[buffer(offset = 4)] Cell);
        )),
        "`offset` needs a `shape`; write one beside it, as in `shape = [_, self.ncols]`, or remove `offset`"
    );
}

#[test]
fn a_missing_shape_is_one_mistake() {
    for options in [
        quote!(strides = [4], offset = 4),
        quote!(offset = 4, order = "F"),
        quote!(strides = []),
        quote!(strides = self.strides(), offset = 4),
        quote!(format = "d", readonly = self.sealed, offset = 4),
        quote!(format = "d", order = "F"),
    ] {
        let message = error(&parse_quote!(
            struct S(#[buffer(#options)] Cell);
        ));
        assert!(message.contains("needs a `shape`"), "{message}");
    }
}

#[test]
fn a_stride_for_each_extent() {
    for (strides, message) in [
        (quote!(4), "`strides` needs one stride for each extent of `shape`; write 2 instead of 1"),
        (quote!(12, 4, 1, 1), "`strides` needs one stride for each extent of `shape`; write 2 instead of 4"),
    ] {
        assert_eq!(
            error(&parse_quote!(
                struct S(#[buffer(shape = [2, 3], strides = [#strides])] Cell);
            )),
            message
        );
    }
    accepted(&parse_quote!(
        struct S(#[buffer(shape = [2, 3, 4], strides = [-12, 0, self.1], offset = 12)] Cell, isize);
    ));
}

#[test]
fn literal_strides_that_lead_before_the_start() {
    for options in [
        quote!(shape = [3], strides = [-4]),
        quote!(shape = [3, self.1], strides = [-4, -4], offset = 4),
        quote!(shape = [2, 2], strides = [-6, -2], offset = 7),
    ] {
        assert_eq!(
            error(&parse_quote!(
                struct S(#[buffer(#options)] Cell, usize);
            )),
            "this stride leads before the start of the storage; write `offset = 8` or more, where the item is whose \
             indices are all 0"
        );
    }
    for options in [
        quote!(shape = [3], strides = [-4], offset = 8),
        quote!(shape = [3], strides = [-4], offset = self.1),
        quote!(shape = [1], strides = [-4]),
        quote!(shape = [0, 3], strides = [-4, -4]),
        quote!(shape = [self.1], strides = [-4]),
    ] {
        accepted(&parse_quote!(
            struct S(#[buffer(#options)] Cell, usize);
        ));
    }
}

#[test]
fn literals_are_compared_with_the_storage() {
    let kinds = |options: proc_macro2::TokenStream| {
        let input: DeriveInput = parse_quote!(
            struct S(#[buffer(#options)] ExportCell<[f32; N]>, usize);
        );
        let ctxt = Ctxt::new();
        let input = Input::from_syn(&ctxt, &input);
        let rules = check(ctxt, input.as_ref()).expect("no mistakes").fields.remove(0).rules;
        rules.into_iter().map(|rule| rule.kind).collect::<Vec<_>>()
    };
    for (options, kind) in [
        (quote!(shape = [4, 5]), Some(Kind::Fills(20))),
        (quote!(shape = []), Some(Kind::Fills(1))),
        (quote!(shape = [_, 5, 2]), Some(Kind::Divides(10))),
        (quote!(shape = [_, self.1]), None),
        (quote!(shape = self.dims()), None),
        (quote!(shape = [4, N]), None),
        (quote!(shape = [4], format = "d"), None),
    ] {
        assert_eq!(kinds(options.clone()), kind.into_iter().collect::<Vec<_>>(), "{options}");
    }
    assert_eq!(kinds(quote!(shape = [4, 5], offset = 8)), [Kind::WholeItems(8), Kind::Reaches { bytes: 8, count: 20 }]);
    assert_eq!(
        kinds(quote!(shape = [4, 3], strides = [-16, 4], offset = 48)),
        [Kind::WholeItems(-16), Kind::WholeItems(4), Kind::WholeItems(48), Kind::Reaches { bytes: 56, count: 1 }]
    );
    assert_eq!(kinds(quote!(shape = [self.1, 3], strides = [16, 4])), [Kind::WholeItems(16), Kind::WholeItems(4)]);
    assert_eq!(kinds(quote!(shape = [0, 3], strides = [16, self.1])), []);
    assert_eq!(
        kinds(quote!(shape = [1, 3], strides = [7, 4])),
        [Kind::WholeItems(4), Kind::Reaches { bytes: 8, count: 1 }]
    );
}

#[test]
fn no_strides_of_extents() {
    for shape in [quote!([2, 3]), quote!([_]), quote!(self.1)] {
        assert_eq!(
            error(&parse_quote!(
                struct S(#[buffer(shape = #shape, strides = [])] Cell, Vec<usize>);
            )),
            "`strides` is empty; write one for each extent of `shape`, in bytes, or remove `strides`"
        );
    }
}

#[test]
fn strides_of_a_scalar() {
    assert_eq!(
        error(&parse_quote!(
            struct S(#[buffer(shape = [], strides = [4])] Cell);
        )),
        "`strides` needs one stride for each extent of `shape`, which has none; remove `strides`"
    );
}

#[test]
fn inferred_extent_beside_strides() {
    for shape in [quote!(_, 3), quote!((_), 3), quote!(0, _)] {
        for strides in [quote!([12, 4]), quote!(self.1)] {
            assert_eq!(
                error(&parse_quote!(
                    struct S(#[buffer(shape = [#shape], strides = #strides)] Cell, [isize; 2]);
                )),
                "`_` cannot be inferred beside `strides`; give every dimension"
            );
        }
    }
}

#[test]
fn order_beside_strides() {
    for (shape, strides) in [
        (quote!([3]), quote!([4])),
        (quote!([2, 3]), quote!([12, 4])),
        (quote!([]), quote!([])),
        (quote!([3]), quote!(self.strides())),
        (quote!(self.dims()), quote!([12, 4])),
        (quote!(self.dims()), quote!(self.strides())),
    ] {
        assert_eq!(
            error(&parse_quote!(
                struct S(#[buffer(shape = #shape, strides = #strides, order = "F")] Cell);
            )),
            "`order` says what `strides` already say; remove one"
        );
    }
}

#[test]
fn negative_offset() {
    for offset in [quote!(-4), quote!((-4)), quote!(-4i64)] {
        assert_eq!(
            error(&parse_quote!(
                struct S(#[buffer(shape = [_], offset = #offset)] Cell);
            )),
            "an offset cannot be negative; \
             write how many bytes behind the start of the storage the item lies whose indices are all 0"
        );
    }
    accepted(&parse_quote!(
        struct S(#[buffer(shape = [2], strides = [-4], offset = -self.1)] Cell, i32);
    ));
}

#[test]
fn offset_goes_with_what_shape_goes_with() {
    accepted(&parse_quote!(
        struct S(#[buffer(shape = [_, 3], offset = 4, order = "F")] Cell);
    ));
    assert_eq!(
        error(&parse_quote!(
            struct S(#[buffer(shape = [_], offset = 4, order = "F")] Cell);
        )),
        "`order` has no meaning on a one-dimensional buffer; remove it"
    );
}

#[test]
fn numbers_that_no_memory_has() {
    for options in [
        quote!(shape = [9223372036854775808]),
        quote!(shape = [_, (0x1_0000_0000_0000_0001)]),
        quote!(shape = [_], offset = 9223372036854775808),
        quote!(shape = [2], strides = [18446744073709551620]),
        quote!(shape = [2], strides = [-(9223372036854775809)]),
        quote!(shape = self.dims(), strides = [99999999999999999999999999999999999999999]),
    ] {
        assert_eq!(
            error(&parse_quote!(
                struct S(#[buffer(#options)] Cell);
            )),
            "no memory is that large; write a number that an `i64` holds"
        );
    }
    accepted(&parse_quote!(
        struct S(#[buffer(shape = [9223372036854775807], strides = [-9223372036854775808], offset = 1_u8)] Cell);
    ));
}
