//! Each rule, by the one message that breaking it gives; and the result if none is broken.

use syn::{DeriveInput, parse_quote};

use super::*;

/// The messages that deriving on `input` gives.
fn errors(input: &DeriveInput) -> Vec<String> {
    let ctxt = Ctxt::new();
    let input = RecordInput::from_syn(&ctxt, input);
    let error = check(ctxt, input.as_ref()).err();
    error.into_iter().flatten().map(|error| error.to_string()).collect()
}

/// The one message that deriving on `input` gives.
fn error(input: &DeriveInput) -> String {
    let errors = errors(input);
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.into_iter().next().unwrap_or_default()
}

/// The names that Python sees of a record without mistakes.
fn names(input: &DeriveInput) -> Vec<Option<String>> {
    let ctxt = Ctxt::new();
    let input = RecordInput::from_syn(&ctxt, input);
    match check(ctxt, input.as_ref()).expect("no mistakes").form {
        Form::Fields(fields) => fields.into_iter().map(|named| named.name).collect(),
        Form::Transparent(_) => Vec::new(),
    }
}

#[test]
fn fields_are_called_as_in_rust_unless_renamed() {
    let named = names(&parse_quote!(
        #[repr(C)]
        struct S {
            a: u8,
            #[buffer(rename = "a b")]
            b: u8,
            r#type: u8,
            #[buffer(padding)]
            _pad: u8,
            marker: std::marker::PhantomData<u8>,
        }
    ));
    assert_eq!(named, [Some("a".into()), Some("a b".into()), Some("type".into()), None]);
    let numbered = names(&parse_quote!(
        #[repr(C, packed(2))]
        struct S(u8, PhantomData<u8>, #[buffer(rename = "f0x")] u8, u16);
    ));
    assert_eq!(numbered, [Some("f0".into()), Some("f0x".into()), Some("f3".into())]);
}

#[test]
fn a_renamed_field_gives_up_its_name() {
    let swapped = names(&parse_quote!(
        #[repr(C)]
        struct S {
            #[buffer(rename = "b")]
            a: u8,
            #[buffer(rename = "a")]
            b: u8,
        }
    ));
    assert_eq!(swapped, [Some("b".into()), Some("a".into())]);
}

#[test]
fn names_are_compared_as_python_sees_them() {
    let raw = error(&parse_quote!(
        #[repr(C)]
        struct S {
            r#type: u8,
            #[buffer(rename = "type")]
            kind: u8,
        }
    ));
    assert!(raw.starts_with("another field is called \"type\" already"), "{raw}");
    let numbered = error(&parse_quote!(
        #[repr(C)]
        struct S(#[buffer(rename = "f1")] u8, u8);
    ));
    assert!(numbered.starts_with("another field is called \"f1\" already"), "{numbered}");
}

#[test]
fn a_name_can_be_written_in_a_format() {
    for (name, message) in [("", "is empty"), ("a:b", "a colon"), (":", "a colon"), ("\0", "a NUL")] {
        let error = error(&parse_quote!(
            #[repr(C)]
            struct S(#[buffer(rename = #name)] u8);
        ));
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn padding_has_no_name() {
    let error = error(&parse_quote!(
        #[repr(C)]
        struct S(#[buffer(padding, rename = "a")] u8, u8);
    ));
    assert_eq!(error, "`padding` has no name for Python; remove one of the two options");
}

#[test]
fn something_is_there_for_python_to_see() {
    for input in [
        parse_quote!(
            #[repr(C)]
            struct S;
        ),
        parse_quote!(
            #[repr(C)]
            struct S {}
        ),
        parse_quote!(
            #[repr(C)]
            struct S(PhantomData<u8>);
        ),
        parse_quote!(
            #[repr(C)]
            struct S(#[buffer(padding)] u8);
        ),
        parse_quote!(
            #[repr(transparent)]
            struct S(PhantomData<u8>);
        ),
    ] {
        assert!(error(&input).starts_with("there is no field that Python could see"));
    }
}

#[test]
fn the_order_of_fields_is_said() {
    for input in [
        parse_quote!(
            struct S(u8);
        ),
        parse_quote!(
            #[repr(packed)]
            struct S(u8);
        ),
        parse_quote!(
            #[repr(align(8))]
            struct S(u8);
        ),
        parse_quote!(
            #[repr(Rust, packed(2))]
            struct S(u8);
        ),
        parse_quote!(
            #[other(C)]
            struct S(u8);
        ),
    ] {
        assert_eq!(error(&input), "the compiler may put the fields of `S` in any order; write `#[repr(C)]` above it");
    }
    for input in [
        parse_quote!(
            #[repr(packed)]
            #[repr(C)]
            struct S(u8);
        ),
        parse_quote!(
            #[repr(align(8), C)]
            struct S(u8);
        ),
        parse_quote!(
            #[repr(transparent)]
            struct S(u8, PhantomData<u8>);
        ),
    ] {
        assert_eq!(errors(&input), [""; 0]);
    }
}

#[test]
fn a_transparent_struct_is_its_only_field() {
    let several = errors(&parse_quote!(
        #[repr(transparent)]
        struct S(u8, (), ());
    ));
    assert_eq!(several.len(), 2);
    assert!(several[0].starts_with("a transparent struct has one field besides `PhantomData`"));
    for option in [quote::quote!(rename = "a"), quote::quote!(padding)] {
        let error = error(&parse_quote!(
            #[repr(transparent)]
            struct S(#[buffer(#option)] u8);
        ));
        assert!(error.contains("has no meaning in a transparent struct"), "{error}");
    }
}

#[test]
fn a_marker_has_no_options() {
    for option in [quote::quote!(rename = "a"), quote::quote!(padding), quote::quote!(as = u8)] {
        let error = error(&parse_quote!(
            #[repr(C)]
            struct S(u8, #[buffer(#option)] PhantomData<u8>);
        ));
        assert_eq!(error, "a `PhantomData` has no bytes for Python to see; remove this option");
    }
}

#[test]
fn nothing_is_borrowed() {
    let error = error(&parse_quote!(
        #[repr(C)]
        struct S<'a, T, const N: usize>(T, &'a [T; N]);
    ));
    assert_eq!(error, "an element cannot borrow; remove the lifetime and store the value itself");
}

#[test]
fn only_a_struct_is_a_record() {
    assert!(
        error(&parse_quote!(
            enum E {
                A,
            }
        ))
        .starts_with("an enum cannot be an element")
    );
    assert!(error(&parse_quote!(union U { a: u8 })).starts_with("a union cannot be an element"));
}

#[test]
fn every_mistake_is_reported() {
    let errors = errors(&parse_quote!(
        #[buffer(padding)]
        #[repr(C)]
        struct S<'a> {
            #[buffer(rename = "a:")]
            a: &'a u8,
            #[buffer(nam = "b")]
            b: u8,
        }
    ));
    assert_eq!(errors.len(), 4, "{errors:?}");
}
