//! What one option may look like, and what is said when it does not.

use syn::{Field, ItemStruct, parse_quote};

use super::*;

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

/// The only message of a field's errors.
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
        let shape = attrs.shape.value().expect("a shape");
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
    assert_eq!(attrs.shape.value().map(|shape| shape.extents.len()), Some(3));
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
        "unknown option `color`; the options here are `shape`, `order`, `strides`, `offset` or `readonly`"
    );
    let (_, errors) = class(parse_quote!(
        #[buffer(frozen)]
        struct S;
    ));
    assert_eq!(errors, ["unknown option `frozen`; the options here are `no_array` or `crate`"]);
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
    ] {
        let message = message(typed);
        assert!(message.ends_with(&format!("; did you mean `{meant}`?")), "{message}");
    }
}

#[test]
fn options_of_later_versions_resemble_none_of_these() {
    for name in ["format", "pin"] {
        for option in CLASS_OPTIONS.iter().chain(&FIELD_OPTIONS) {
            assert!(!resembles(name, option), "{name} and {option}");
        }
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
fn order_takes_two_strings() {
    for (declared, begin) in [
        (parse_quote!(#[buffer(order = "K")] data: Cell), "unknown order \"K\"; write"),
        (parse_quote!(#[buffer(order = "c")] data: Cell), "unknown order \"c\"; write"),
        (parse_quote!(#[buffer(order = F)] data: Cell), "`order` must be a string; write"),
        (parse_quote!(#[buffer(order = 'F')] data: Cell), "`order` must be a string; write"),
        (parse_quote!(#[buffer(order)] data: Cell), "`order` needs a value; write"),
        (parse_quote!(#[buffer(order("F"))] data: Cell), "`order` needs a value; write"),
        (parse_quote!(#[buffer(order =)] data: Cell), "`order` needs a value; write"),
    ] {
        let message = message(declared);
        assert!(message.starts_with(begin), "{message}");
    }
}

#[test]
fn shape_takes_a_bracketed_list() {
    for declared in [
        parse_quote!(#[buffer(shape = self.dims())] data: Cell),
        parse_quote!(#[buffer(shape = (_, 3))] data: Cell),
        parse_quote!(#[buffer(shape = 3)] data: Cell),
        parse_quote!(#[buffer(shape = [0; 3])] data: Cell),
        parse_quote!(#[buffer(shape = [1, 2].map(f))] data: Cell),
        parse_quote!(#[buffer(shape)] data: Cell),
        parse_quote!(#[buffer(shape(1, 2))] data: Cell),
    ] {
        let message = message(declared);
        assert!(message.ends_with("a bracketed list, as in `shape = [_, self.ncols]`"), "{message}");
    }
}

#[test]
fn strides_and_offset_are_read() {
    let (attrs, errors) =
        field(parse_quote!(#[buffer(strides = [self.step, -4, 0], offset = f(a, b), readonly)] data: Cell));
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(attrs.strides.value().map(|list| list.strides.len()), Some(3));
    assert!(attrs.offset.value().is_some());
    assert!(attrs.readonly.value().is_some());
}

#[test]
fn strides_takes_a_bracketed_list() {
    for declared in [
        parse_quote!(#[buffer(strides = self.strides())] data: Cell),
        parse_quote!(#[buffer(strides = (12, 4))] data: Cell),
        parse_quote!(#[buffer(strides = 4)] data: Cell),
        parse_quote!(#[buffer(strides = [4; 2])] data: Cell),
        parse_quote!(#[buffer(strides)] data: Cell),
        parse_quote!(#[buffer(strides(12, 4))] data: Cell),
    ] {
        let message = message(declared);
        assert!(message.ends_with("a bracketed list of bytes, as in `strides = [self.step, 4]`"), "{message}");
    }
}

#[test]
fn strides_are_not_empty() {
    assert_eq!(
        message(parse_quote!(#[buffer(strides = [])] data: Cell)),
        "`strides` is empty; write one for each extent of `shape`, in bytes, or remove `strides`"
    );
}

#[test]
fn no_stride_is_inferred() {
    let (_, errors) = field(parse_quote!(#[buffer(strides = [_, 4, (_)], offset = 4)] data: Cell));
    assert_eq!(errors, ["a stride cannot be `_`; write a number of bytes or an expression over `self` here"; 2]);
}

#[test]
fn offset_takes_a_number() {
    for declared in [
        parse_quote!(#[buffer(offset)] data: Cell),
        parse_quote!(#[buffer(offset = )] data: Cell),
        parse_quote!(#[buffer(offset(4))] data: Cell),
        parse_quote!(#[buffer(offset = _)] data: Cell),
        parse_quote!(#[buffer(offset = [4])] data: Cell),
    ] {
        let message = message(declared);
        assert!(message.ends_with("a number of bytes, as in `offset = self.start`"), "{message}");
    }
}

#[test]
fn strides_and_offset_are_given_once() {
    for (declared, name) in [
        (parse_quote!(#[buffer(strides = [4], strides = [4])] data: Cell), "strides"),
        (parse_quote!(#[buffer(offset = 4)] #[buffer(offset = 8)] data: Cell), "offset"),
    ] {
        assert_eq!(message(declared), format!("`{name}` is given twice; remove one of the two"));
    }
}

#[test]
fn readonly_takes_no_value() {
    for declared in [
        parse_quote!(#[buffer(readonly = true)] data: Cell),
        parse_quote!(#[buffer(readonly(true), shape = [_, 2])] data: Cell),
    ] {
        assert_eq!(message(declared), "`readonly` takes no value; write `readonly` alone");
    }
}

#[test]
fn crate_takes_a_path_in_quotes() {
    for item in [
        parse_quote!(
            #[buffer(crate = ::facade)]
            struct S;
        ),
        parse_quote!(
            #[buffer(crate = "two words")]
            struct S;
        ),
        parse_quote!(
            #[buffer(crate = "Vec<u8>")]
            struct S;
        ),
        parse_quote!(
            #[buffer(crate)]
            struct S;
        ),
    ] {
        let (_, errors) = class(item);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].contains("the path of `buffer_runtime` in quotes"));
    }
}

#[test]
fn options_stand_in_parentheses_and_between_commas() {
    assert_eq!(
        message(parse_quote!(#[buffer = "F"] data: Cell)),
        "write options in parentheses: `#[buffer(...)]` with `shape`, `order`, `strides`, `offset` or `readonly`"
    );
    assert_eq!(
        message(parse_quote!(#[buffer(readonly order = "F")] data: Cell)),
        "`readonly` takes no value; write `readonly` alone"
    );
    assert_eq!(message(parse_quote!(#[buffer(order = "F" readonly)] data: Cell)), "expected `,` between two options");
    assert_eq!(
        message(parse_quote!(#[buffer("readonly")] data: Cell)),
        "expected `shape`, `order`, `strides`, `offset` or `readonly`"
    );
}

#[test]
fn every_mistake_in_a_list_is_reported() {
    let (attrs, errors) = field(parse_quote!(#[buffer(color = "red", shape = 3, readonly, order = "K", 7)] data: Cell));
    assert_eq!(errors.len(), 4, "{errors:?}");
    assert!(attrs.readonly.value().is_some());
}

#[test]
fn edit_distance_counts_insertions_deletions_and_substitutions() {
    for (from, to, distance) in [
        ("", "", 0),
        ("", "abc", 3),
        ("abc", "", 3),
        ("shape", "shape", 0),
        ("shapes", "shape", 1),
        ("share", "shape", 1),
        ("kitten", "sitting", 3),
    ] {
        assert_eq!(edit_distance(from, to), distance, "{from} {to}");
    }
}
