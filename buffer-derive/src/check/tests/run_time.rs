//! What is checked only at run time, and which rules apply even then.

use proc_macro2::{Span, TokenStream};
use syn::LitInt;

use super::*;

/// The layout that `options` give.
fn with_layout<R>(options: &TokenStream, judge: impl FnOnce(&ExportedField) -> R) -> R {
    let input: DeriveInput = parse_quote! {
        struct S {
            n: usize,
            #[buffer(#options)]
            data: Py<Other>,
        }
    };
    let ctxt = Ctxt::new();
    let input = Input::from_syn(&ctxt, &input);
    let export = check(ctxt, input.as_ref()).expect("no mistakes");
    judge(&export.fields[0])
}

#[test]
fn any_expression_of_unknown_value_leaves_it_to_run_time() {
    for options in [
        quote!(shape = self.dims()),
        quote!(shape = DIMS),
        quote!(shape = self.n, order = "F"),
        quote!(shape = self.dims(), offset = 4),
        quote!(shape = self.dims(), strides = self.strides()),
        quote!(shape = self.dims(), strides = [12, 4], offset = self.n),
        quote!(shape = [2, 3], strides = self.strides()),
        quote!(format = "d"),
        quote!(format = self.format(), shape = [_, 3], order = "F"),
        quote!(format = self.format(), shape = [], offset = 8),
        quote!(readonly = self.sealed),
        quote!(readonly = SEALED, shape = [self.n], strides = [4]),
        quote!(readonly, format = self.format()),
    ] {
        with_layout(&options, |export| assert!(matches!(export.layout, Layout::RunTime { .. }), "{options}"));
    }
}

#[test]
fn lists_alone_do_not() {
    for options in [
        quote!(shape = [self.dims()]),
        quote!(shape = []),
        quote!(shape = [], strides = [], offset = self.start()),
        quote!(shape = [2, 3], strides = [self.n, 4], readonly),
    ] {
        with_layout(&options, |export| assert!(matches!(export.layout, Layout::Extents { .. }), "{options}"));
    }
    for options in [quote!(), quote!(readonly)] {
        with_layout(&options, |export| assert!(matches!(export.layout, Layout::Storage), "{options}"));
    }
}

#[test]
fn everything_declared_is_left() {
    with_layout(&quote!(readonly = self.sealed, format = "d"), |export| {
        assert!(!export.readonly);
        assert!(matches!(export.layout, Layout::RunTime { readonly: Some(_), format: Some(_), shape: None, .. }));
    });
    with_layout(&quote!(readonly, shape = self.dims(), order = "F"), |export| {
        assert!(export.readonly);
        assert!(matches!(
            export.layout,
            Layout::RunTime {
                readonly: None,
                format: None,
                shape: Some((Numbers::Slice(_), Placement::Dense(Order::F))),
                ..
            }
        ));
    });
    with_layout(&quote!(shape = self.dims(), offset = 4, order = "F"), |export| {
        assert!(matches!(
            export.layout,
            Layout::RunTime { shape: Some((Numbers::Slice(_), Placement::Offset(Order::F, _))), .. }
        ));
    });
    with_layout(&quote!(shape = [2], strides = self.strides(), offset = 4), |export| {
        assert!(matches!(
            export.layout,
            Layout::RunTime {
                shape: Some((Numbers::List(_), Placement::Strided { offset: Some(_), strides: Numbers::Slice(_) })),
                ..
            }
        ));
    });
}

#[test]
fn listed_extents_keep_their_rules() {
    for (shape, message) in [
        (quote!(_, _), "only one extent can be `_`"),
        (quote!(-1, 2), "an extent cannot be negative"),
        (quote!(_, 0), "`_` cannot be inferred beside an extent of 0"),
    ] {
        let message_of = error(&parse_quote!(
            struct S(#[buffer(shape = [#shape], format = "d", readonly = self.1)] Cell, bool);
        ));
        assert!(message_of.starts_with(message), "{message_of}");
    }
    let message = error(&parse_quote!(
        struct S(#[buffer(shape = self.dims(), offset = -4)] Cell);
    ));
    assert!(message.starts_with("an offset cannot be negative"), "{message}");
}

#[test]
fn sixty_four_strides_and_no_more() {
    let ones = |count: usize| vec![LitInt::new("1", Span::call_site()); count];
    let strides = ones(64);
    accepted(&parse_quote!(
        struct S(#[buffer(shape = self.dims(), strides = [#(#strides),*])] Cell);
    ));
    let strides = ones(66);
    assert_eq!(
        error(&parse_quote!(
            struct S(#[buffer(shape = self.dims(), strides = [#(#strides),*])] Cell);
        )),
        "a buffer has at most 64 dimensions; remove this stride and those behind it"
    );
}
