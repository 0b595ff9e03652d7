//! Which options may stand where, and the errors if they do not.

use quote::quote;
use syn::{Field, ItemStruct, parse_quote};

use super::*;

mod values;

/// The field's options, and the messages of its errors.
fn field(field: Field) -> (FieldAttrs, Vec<String>) {
    let ctxt = Ctxt::new();
    let attrs = FieldAttrs::from_syn(&ctxt, &field.attrs);
    (attrs, messages(ctxt))
}

/// The struct's options, and the messages of its errors.
fn class(item: ItemStruct) -> (ClassAttrs, Vec<String>) {
    let ctxt = Ctxt::new();
    let attrs = ClassAttrs::from_syn(&ctxt, &item.attrs);
    (attrs, messages(ctxt))
}

fn messages(ctxt: Ctxt) -> Vec<String> {
    let error = ctxt.check().err();
    error.into_iter().flatten().map(|error| error.to_string()).collect()
}

/// The only error message of a field.
fn message(declared: Field) -> String {
    let (_, messages) = field(declared);
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.into_iter().next().unwrap_or_default()
}

#[test]
fn an_unmarked_field_has_no_options() {
    let (attrs, errors) = field(parse_quote!(
        #[pyo3(get)]
        data: Cell
    ));
    assert!(attrs.mark.is_none());
    assert!(matches!(attrs.shape, Setting::Absent));
    assert!(errors.is_empty());
}

#[test]
fn a_bare_or_empty_attribute_marks_the_field() {
    for declared in [parse_quote!(#[buffer] data: Cell), parse_quote!(#[buffer()] data: Cell)] {
        let (attrs, errors) = field(declared);
        assert!(attrs.mark.is_some());
        assert!(errors.is_empty());
    }
}

#[test]
fn options_are_read_from_one_attribute_or_several() {
    for declared in [
        parse_quote!(#[buffer(shape = [_, self.n], order = "F", readonly,)] data: Cell),
        parse_quote!(#[buffer(readonly, shape = [_, self.n])] #[buffer(order = "F")] data: Cell),
    ] {
        let (attrs, errors) = field(declared);
        assert!(errors.is_empty(), "{errors:?}");
        let shape = attrs.shape.value().and_then(Numbers::list).expect("a list");
        assert_eq!(shape.extents.len(), 2);
        assert_eq!(shape.inferred().count(), 1);
        assert_eq!(attrs.order.value(), Some(&Order::F));
        assert!(attrs.readonly.value().is_some());
    }
}

#[test]
fn commas_inside_an_extent_do_not_end_it() {
    let (attrs, errors) = field(parse_quote!(#[buffer(shape = [f(a, b), g::<A, B>(self), max!(c, d)])] data: Cell));
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(attrs.shape.value().and_then(Numbers::list).map(|shape| shape.extents.len()), Some(3));
}

#[test]
fn struct_options_are_read() {
    let (attrs, errors) = class(parse_quote!(
        #[buffer(no_array, crate = "::facade::buffer")]
        struct S;
    ));
    assert!(errors.is_empty(), "{errors:?}");
    assert!(attrs.no_array.value().is_some());
    let path = attrs.krate.value().expect("a path");
    assert_eq!(path.to_token_stream().to_string(), ":: facade :: buffer");
}

#[test]
fn an_unknown_option_lists_the_known_ones() {
    assert_eq!(
        message(parse_quote!(#[buffer(color = "red")] data: Cell)),
        "unknown option `color`; the options here are `shape`, `order`, `strides`, `offset`, `format`, `readonly`, `pin`, `get`, `name`, `own` or `default`"
    );
    let (_, errors) = class(parse_quote!(
        #[buffer(frozen)]
        struct S;
    ));
    assert_eq!(errors, ["unknown option `frozen`; the options here are `pickle`, `no_array` or `crate`"]);
}

#[test]
fn a_near_miss_is_told_the_option() {
    for (typed, meant) in [
        (parse_quote!(#[buffer(read_only)] data: Cell), "readonly"),
        (parse_quote!(#[buffer(Readonly)] data: Cell), "readonly"),
        (parse_quote!(#[buffer(shapes = [1])] data: Cell), "shape"),
        (parse_quote!(#[buffer(odrer = "C")] data: Cell), "order"),
        (parse_quote!(#[buffer(stride = [4])] data: Cell), "strides"),
        (parse_quote!(#[buffer(off_set = 4)] data: Cell), "offset"),
        (parse_quote!(#[buffer(Format = "d")] data: Cell), "format"),
    ] {
        let message = message(typed);
        assert!(message.ends_with(&format!("; did you mean `{meant}`?")), "{message}");
    }
}

#[test]
fn a_misplaced_option_is_told_its_place() {
    assert_eq!(
        message(parse_quote!(#[buffer(no_array)] data: Cell)),
        "`no_array` belongs in a `#[buffer(...)]` above the struct; move it there"
    );
    let (_, errors) = class(parse_quote!(
        #[buffer(shape = [_, self.n])]
        struct S;
    ));
    assert_eq!(errors, ["`shape` belongs in the `#[buffer(...)]` of the field to export; move it there"]);
    let (_, errors) = class(parse_quote!(
        #[buffer]
        struct S;
    ));
    assert_eq!(errors, ["`#[buffer]` marks a field; move it to the field to export"]);
}

#[test]
fn a_repeated_option_is_refused_even_if_one_is_broken() {
    let again = "`order` is given twice; remove one of the two";
    assert_eq!(message(parse_quote!(#[buffer(order = "C", order = "C")] data: Cell)), again);
    let (_, errors) = field(parse_quote!(#[buffer(order = "K")] #[buffer(order = "C")] data: Cell));
    assert_eq!(errors.len(), 2);
    assert_eq!(errors[1], again);
}

#[test]
fn every_option_is_given_once() {
    for (declared, name) in [
        (parse_quote!(#[buffer(strides = [4], strides = [4])] data: Cell), "strides"),
        (parse_quote!(#[buffer(offset = 4)] #[buffer(offset = 8)] data: Cell), "offset"),
        (parse_quote!(#[buffer(shape = [2], shape = self.dims())] data: Cell), "shape"),
        (parse_quote!(#[buffer(format = "d", format = self.format())] data: Cell), "format"),
        (parse_quote!(#[buffer(readonly, readonly = self.sealed)] data: Cell), "readonly"),
    ] {
        assert_eq!(message(declared), format!("`{name}` is given twice; remove one of the two"));
    }
}

#[test]
fn options_stand_in_parentheses_and_between_commas() {
    assert_eq!(
        message(parse_quote!(#[buffer = "F"] data: Cell)),
        "write options in parentheses: `#[buffer(...)]` with `shape`, `order`, `strides`, `offset`, `format`, `readonly`, `pin`, `get`, `name`, `own` or `default`"
    );
    assert_eq!(
        message(parse_quote!(#[buffer(readonly order = "F")] data: Cell)),
        "write `readonly` alone, or with a condition, as in `readonly = self.sealed`"
    );
    assert_eq!(message(parse_quote!(#[buffer(order = "F" readonly)] data: Cell)), "expected `,` between two options");
    assert_eq!(
        message(parse_quote!(#[buffer("readonly")] data: Cell)),
        "expected `shape`, `order`, `strides`, `offset`, `format`, `readonly`, `pin`, `get`, `name`, `own` or `default`"
    );
}

#[test]
fn what_is_unread_inside_a_bracket_is_no_second_mistake() {
    for options in [quote!(shape = [_ 3]), quote!(strides = [4; 2, 4]), quote!(offset = (1 2))] {
        message(parse_quote!(#[buffer(#options)] data: Cell));
    }
    let (_, messages) = field(parse_quote!(#[buffer(shape = [_ 3], color, offset = (1 2), readonly)] data: Cell));
    assert_eq!(messages.len(), 3, "{messages:?}");
}

#[test]
fn every_mistake_in_a_list_is_reported() {
    let (attrs, errors) = field(parse_quote!(#[buffer(color = "red", shape = 3, readonly, order = "K", 7)] data: Cell));
    assert_eq!(errors.len(), 4, "{errors:?}");
    assert!(attrs.readonly.value().is_some());
}
