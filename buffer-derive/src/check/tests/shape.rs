//! The rules about `shape` and `order`.

use proc_macro2::Span;
use syn::LitInt;

use super::*;

#[test]
fn a_scalar_has_no_extents() {
    for options in [
        quote!(shape = []),
        quote!(shape = [], offset = 4),
        quote!(shape = [], strides = []),
        quote!(strides = [], shape = [], offset = self.1, readonly),
    ] {
        accepted(&parse_quote!(
            struct S(#[buffer(#options)] Cell, usize);
        ));
    }
}

#[test]
fn two_inferred_extents() {
    assert_eq!(
        error(&parse_quote!(
            struct S(#[buffer(shape = [_, 3, _])] Cell);
        )),
        "only one extent can be `_`; write a number or an expression over `self` here"
    );
}

#[test]
fn negative_extent() {
    for extent in [quote!(-1), quote!((-1)), quote!(-(1)), quote!(-1i64)] {
        assert_eq!(
            error(&parse_quote!(
                struct S(#[buffer(shape = [#extent, 2])] Cell);
            )),
            "an extent cannot be negative; write `_` to infer it from the number of elements"
        );
    }
    accepted(&parse_quote!(
        struct S(#[buffer(shape = [-self.1, 2])] Cell, i32);
    ));
}

#[test]
fn inferred_extent_beside_zero() {
    for zero in [quote!(0), quote!(0x0), quote!(0usize), quote!((0))] {
        assert_eq!(
            error(&parse_quote!(
                struct S(#[buffer(shape = [#zero, _])] Cell);
            )),
            "`_` cannot be inferred beside an extent of 0; write a number or an expression over `self` here"
        );
    }
    accepted(&parse_quote!(
        struct S(#[buffer(shape = [0, 3])] Cell);
    ));
}

#[test]
fn sixty_four_dimensions_and_no_more() {
    let ones = |count: usize| vec![LitInt::new("1", Span::call_site()); count];
    let extents = ones(64);
    accepted(&parse_quote!(
        struct S(#[buffer(shape = [#(#extents),*])] Cell);
    ));
    let extents = ones(66);
    assert_eq!(
        error(&parse_quote!(
            struct S(#[buffer(shape = [#(#extents),*])] Cell);
        )),
        "a buffer has at most 64 dimensions; remove this extent and those behind it"
    );
}

#[test]
fn order_without_meaning() {
    assert_eq!(
        error(&parse_quote!(
            struct S(#[buffer(shape = [_], order = "F")] Cell);
        )),
        "`order` has no meaning on a one-dimensional buffer; remove it"
    );
    assert_eq!(
        error(&parse_quote!(
            struct S(#[buffer(shape = [], order = "F")] Cell);
        )),
        "`order` has no meaning on a buffer without dimensions; remove it"
    );
    assert_eq!(
        error(&parse_quote!(
            struct S(#[buffer(order = "F")] Cell);
        )),
        "`order` needs a `shape`; write one beside it, as in `shape = [_, self.ncols]`, or remove `order`"
    );
}
