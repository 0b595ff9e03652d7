//! The forms that an option of a record may have, and the errors for others.

use quote::ToTokens;
use syn::{Field, ItemStruct, parse_quote};

use super::*;

/// A field's options, and the messages of its errors.
fn field(field: Field) -> (ElementAttrs, Vec<String>) {
    let ctxt = Ctxt::new();
    let attrs = ElementAttrs::from_syn(&ctxt, &field.attrs);
    let error = ctxt.check().err();
    (attrs, error.into_iter().flatten().map(|error| error.to_string()).collect())
}

/// The only error message of a field.
fn message(declared: Field) -> String {
    let (_, messages) = field(declared);
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.into_iter().next().unwrap_or_default()
}

fn repr(item: ItemStruct) -> Repr {
    Repr::from_syn(&item.attrs)
}

#[test]
fn options_are_read_from_one_attribute_or_several() {
    for declared in [
        parse_quote!(#[buffer(rename = "b", as = [f32; 3],)] a: T),
        parse_quote!(#[buffer(as = [f32; 3])] #[buffer()] #[buffer(rename = ("b"))] a: T),
    ] {
        let (attrs, errors) = field(declared);
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(attrs.rename.value().map(LitStr::value).as_deref(), Some("b"));
        assert_eq!(attrs.described_as.value().map(|ty| ty.to_token_stream().to_string()).as_deref(), Some("[f32 ; 3]"));
        assert!(matches!(attrs.padding, Setting::Absent));
    }
    let (attrs, errors) = field(parse_quote!(#[buffer(padding)] a: T));
    assert!(attrs.padding.value().is_some() && errors.is_empty());
}

#[test]
fn what_is_no_option_is_told_the_right_one() {
    assert_eq!(
        message(parse_quote!(#[buffer(renamed = "b")] a: T)),
        "unknown option `renamed`; did you mean `rename`?"
    );
    assert_eq!(message(parse_quote!(#[buffer(pad)] a: T)), "unknown option `pad`; did you mean `padding`?");
    assert_eq!(
        message(parse_quote!(#[buffer(flatten)] a: T)),
        "unknown option `flatten`; the options here are `rename`, `as` or `padding`"
    );
    assert_eq!(
        message(parse_quote!(#[buffer(readonly)] a: T)),
        "`readonly` is for the `ExportCell` of a class, which derives `ExportBuffer`; move it there"
    );
    assert!(message(parse_quote!(#[buffer] a: T)).starts_with("write options in parentheses"));
    assert!(message(parse_quote!(#[buffer(crate = "c")] a: T)).contains("above the struct"));
}

#[test]
fn values_have_the_form_that_the_message_shows() {
    assert_eq!(
        message(parse_quote!(#[buffer(rename)] a: T)),
        "`rename` needs a value; write the name in quotes, as in `rename = \"charge\"`"
    );
    assert!(message(parse_quote!(#[buffer(rename = b)] a: T)).starts_with("`rename` must be the name in quotes"));
    for declared in [
        parse_quote!(#[buffer(as)] a: T),
        parse_quote!(#[buffer(as =)] a: T),
        parse_quote!(#[buffer(as = , padding)] a: T),
    ] {
        assert_eq!(message(declared), "`as` needs a type; write an element, as in `as = [f32; 3]`");
    }
    assert_eq!(
        message(parse_quote!(#[buffer(as = "[f32; 3]")] a: T)),
        "`as` takes a type without quotes; write `as = [f32; 3]`"
    );
    assert_eq!(
        message(parse_quote!(#[buffer(padding = true)] a: T)),
        "`padding` takes no value; write `padding` alone"
    );
    assert_eq!(
        message(parse_quote!(#[buffer(rename = "a", rename = "b")] a: T)),
        "`rename` is given twice; remove one of the two"
    );
}

#[test]
fn a_layout_is_read_from_all_of_repr() {
    assert_eq!(
        repr(parse_quote!(
            #[repr(C)]
            struct S;
        )),
        Repr::C
    );
    assert_eq!(
        repr(parse_quote!(
            #[repr(align(16), C)]
            struct S;
        )),
        Repr::C
    );
    assert_eq!(
        repr(parse_quote!(
            #[repr(packed(2))]
            #[repr(C)]
            struct S;
        )),
        Repr::C
    );
    assert_eq!(
        repr(parse_quote!(
            #[repr(transparent)]
            struct S;
        )),
        Repr::Transparent
    );
    assert_eq!(
        repr(parse_quote!(
            #[repr(packed)]
            struct S;
        )),
        Repr::Rust
    );
    assert_eq!(
        repr(parse_quote!(
            #[repr = "C"]
            struct S;
        )),
        Repr::Rust
    );
    assert_eq!(
        repr(parse_quote!(
            #[derive(C)]
            struct S;
        )),
        Repr::Rust
    );
}
