//! The forms that the value of an option may have, and the errors for others.

use super::*;

/// What a field's `shape` and `strides` are given as: `Some(true)` for a list.
fn listed(declared: Field) -> [Option<bool>; 2] {
    let (attrs, errors) = field(declared);
    assert!(errors.is_empty(), "{errors:?}");
    let shape = attrs.shape.value().map(|shape| shape.list().is_some());
    [shape, attrs.strides.value().map(|strides| strides.list().is_some())]
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
fn brackets_make_a_list() {
    for declared in [
        parse_quote!(#[buffer(shape = [2, 3], strides = [12, 4])] data: Cell),
        parse_quote!(#[buffer(shape = [], strides = [])] data: Cell),
        parse_quote!(#[buffer(shape = ([2]), strides = (([4])))] data: Cell),
    ] {
        assert_eq!(listed(declared), [Some(true), Some(true)]);
    }
}

#[test]
fn any_other_expression_is_a_slice() {
    for expr in [
        quote!(self.dims()),
        quote!(self.dims),
        quote!(&self.dims[..]),
        quote!(self.dims(py, [1, 2])?),
        quote!((self.dims)),
        quote!([1, 2].map(f)),
        quote!([self.n; 3]),
        quote!(DIMS),
        quote!({ self.dims }),
        quote!(vec![1, 2]),
        quote!(*self.dims),
        quote!(self.dims as Dims),
    ] {
        assert_eq!(listed(parse_quote!(#[buffer(shape = #expr, readonly)] data: Cell)), [Some(false), None], "{expr}");
        assert_eq!(listed(parse_quote!(#[buffer(strides = #expr)] data: Cell)), [None, Some(false)], "{expr}");
    }
    assert_eq!(
        listed(parse_quote!(#[buffer(shape = [self.n], strides = self.strides())] data: Cell)),
        [Some(true), Some(false)]
    );
}

#[test]
fn what_cannot_be_a_slice_should_be_a_list() {
    for expr in [
        quote!(3),
        quote!(-3),
        quote!((3)),
        quote!(&3),
        quote!("3"),
        quote!(b"3"),
        quote!(_),
        quote!((_, 3)),
        quote!((2, 3)),
        quote!(&(2, 3)),
        quote!(()),
        quote!(0..3),
        quote!([_; 3]),
        quote!(|n| n),
    ] {
        assert_eq!(
            message(parse_quote!(#[buffer(shape = #expr)] data: Cell)),
            "`shape` must be a bracketed list, as in `shape = [_, self.ncols]`, \
             or an expression for a slice of integers, as in `shape = self.dims()`",
            "{expr}"
        );
        assert_eq!(
            message(parse_quote!(#[buffer(strides = #expr)] data: Cell)),
            "`strides` must be a bracketed list of bytes, as in `strides = [self.step, 4]`, \
             or an expression for a slice of integers, as in `strides = self.strides()`",
            "{expr}"
        );
    }
}

#[test]
fn a_list_is_not_borrowed() {
    for (declared, name) in [
        (parse_quote!(#[buffer(shape = &[_, 3])] data: Cell), "shape"),
        (parse_quote!(#[buffer(strides = (&[12, 4]))] data: Cell), "strides"),
    ] {
        assert_eq!(message(declared), format!("`{name}` takes a bracketed list as it is; remove this `&`"));
    }
}

#[test]
fn shape_and_strides_need_a_value() {
    for declared in [
        parse_quote!(#[buffer(shape)] data: Cell),
        parse_quote!(#[buffer(shape = )] data: Cell),
        parse_quote!(#[buffer(shape(1, 2))] data: Cell),
    ] {
        let message = message(declared);
        assert!(message.starts_with("`shape` needs a value; write a bracketed list, as in `shape = "), "{message}");
    }
    for declared in [
        parse_quote!(#[buffer(strides)] data: Cell),
        parse_quote!(#[buffer(strides = , readonly)] data: Cell),
        parse_quote!(#[buffer(strides(12, 4))] data: Cell),
    ] {
        let message = message(declared);
        assert!(message.starts_with("`strides` needs a value; write a bracketed list of bytes, as in"), "{message}");
    }
}

#[test]
fn strides_and_offset_are_read() {
    let (attrs, errors) =
        field(parse_quote!(#[buffer(strides = [self.step, -4, 0], offset = f(a, b), readonly)] data: Cell));
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(attrs.strides.value().and_then(Numbers::list).map(|list| list.strides.len()), Some(3));
    assert!(attrs.offset.value().is_some());
    assert!(attrs.readonly.value().is_some());
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
fn format_takes_a_string() {
    for expr in [
        quote!("d"),
        quote!(("d")),
        quote!(&"d"),
        quote!(r"T{<i:x:}"),
        quote!(" "),
        quote!(self.format),
        quote!(&self.format),
        quote!(self.format()?),
        quote!(FORMAT),
        quote!(format!("{}d", self.n)),
        quote!(if self.wide { "d" } else { "f" }),
    ] {
        let (attrs, errors) = field(parse_quote!(#[buffer(format = #expr)] data: Cell));
        assert!(errors.is_empty(), "{expr}: {errors:?}");
        assert!(attrs.format.value().is_some());
    }
    for expr in [
        quote!('d'),
        quote!(b"d"),
        quote!(&b"d"),
        quote!(c"d"),
        quote!(8),
        quote!(-8),
        quote!(true),
        quote!(_),
        quote!(["d"]),
        quote!(["d"; 2]),
        quote!(("d", "f")),
        quote!(..),
        quote!(|| "d"),
    ] {
        assert_eq!(
            message(parse_quote!(#[buffer(format = #expr)] data: Cell)),
            "`format` must be a string, as in `format = \"d\"` or `format = self.format()`",
            "{expr}"
        );
    }
    for declared in [
        parse_quote!(#[buffer(format)] data: Cell),
        parse_quote!(#[buffer(format = )] data: Cell),
        parse_quote!(#[buffer(format("d"))] data: Cell),
    ] {
        let message = message(declared);
        assert!(message.starts_with("`format` needs a value; write a string, as in `format = "), "{message}");
    }
}

#[test]
fn a_format_is_not_empty() {
    for expr in [quote!(""), quote!((r#""#)), quote!(&"")] {
        assert_eq!(
            message(parse_quote!(#[buffer(format = #expr)] data: Cell)),
            "`format` is empty; write what an item is, as in `format = \"d\"`, or remove `format` to export bytes"
        );
    }
}

#[test]
fn readonly_stands_alone_or_takes_a_condition() {
    for declared in [
        parse_quote!(#[buffer(readonly)] data: Cell),
        parse_quote!(#[buffer(shape = [_, 2], readonly, order = "F")] data: Cell),
    ] {
        let (attrs, errors) = field(declared);
        assert!(errors.is_empty(), "{errors:?}");
        assert!(matches!(attrs.readonly.value(), Some(Readonly::Always)));
    }
    for expr in [quote!(self.sealed), quote!(self.sealed()?), quote!(!self.open), quote!(SEALED), quote!(a == b)] {
        let (attrs, errors) = field(parse_quote!(#[buffer(readonly = #expr, offset = 4)] data: Cell));
        assert!(errors.is_empty(), "{expr}: {errors:?}");
        assert!(matches!(attrs.readonly.value(), Some(Readonly::If(_))), "{expr}");
    }
    for declared in [
        parse_quote!(#[buffer(readonly(self.sealed), shape = [_, 2])] data: Cell),
        parse_quote!(#[buffer(readonly = 1)] data: Cell),
        parse_quote!(#[buffer(readonly = "yes")] data: Cell),
        parse_quote!(#[buffer(readonly = _)] data: Cell),
        parse_quote!(#[buffer(readonly = [true])] data: Cell),
        parse_quote!(#[buffer(readonly = )] data: Cell),
    ] {
        let message = message(declared);
        assert!(
            message.ends_with("write `readonly` alone, or with a condition, as in `readonly = self.sealed`"),
            "{message}"
        );
    }
}

#[test]
fn readonly_takes_no_constant() {
    assert_eq!(
        message(parse_quote!(#[buffer(readonly = true)] data: Cell)),
        "write `readonly` alone; a condition is for what is known only at run time"
    );
    assert_eq!(
        message(parse_quote!(#[buffer(readonly = (false))] data: Cell)),
        "remove `readonly`; without it Python may write the elements"
    );
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
