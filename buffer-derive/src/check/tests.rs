//! Each rule, by the one message that breaking it gives; and the result if none is broken.

use quote::quote;
use syn::{DeriveInput, parse_quote};

use super::*;

mod class;
mod code;
mod pickle;
mod placement;
mod run_time;
mod shape;

/// The messages that deriving on `input` gives.
fn errors(input: &DeriveInput) -> Vec<String> {
    let ctxt = Ctxt::new();
    let input = Input::from_syn(&ctxt, input);
    let error = check(ctxt, input.as_ref()).err();
    error.into_iter().flatten().map(|error| error.to_string()).collect()
}

/// The one message that deriving on `input` gives.
fn error(input: &DeriveInput) -> String {
    let errors = errors(input);
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.into_iter().next().unwrap_or_default()
}

fn accepted(input: &DeriveInput) {
    assert_eq!(errors(input), [""; 0]);
}

#[test]
fn a_broken_option_breaks_no_other_rule() {
    for options in [
        quote!(shape = 3, strides = [4], offset = 4),
        quote!(shape = [], strides = [4]),
        quote!(shape = [2, 3], strides = 4, order = "F"),
        quote!(shape = [2, 3], strides = [12, _]),
        quote!(strides = []),
        quote!(shape = [_, 2], strides = &[8, 4], order = "F"),
        quote!(format = 'd', readonly = self.sealed, shape = [_]),
        quote!(readonly = true, format = "d"),
    ] {
        error(&parse_quote!(
            struct S(#[buffer(#options)] Cell);
        ));
    }
    error(&parse_quote!(
        struct S(#[buffer(shape = 3, order = "F")] Cell);
    ));
    error(&parse_quote!(
        struct S(#[buffer(shape = [], order = "F")] Cell);
    ));
    error(&parse_quote!(
        struct S(#[buffer(shape = [_], order = "K")] Cell);
    ));
}

#[test]
fn every_broken_rule_is_reported() {
    let input = parse_quote! {
        #[pyclass(unsendable)]
        #[buffer(color)]
        struct S<T> {
            #[buffer(shape = [_, _, -1, 0], order = "K")]
            a: ExportCell<Vec<T>>,
            #[buffer(shape = [_], order = "F")]
            b: ExportCell<Vec<T>>,
        }
    };
    assert_eq!(errors(&input).len(), 9, "{:#?}", errors(&input));
}
