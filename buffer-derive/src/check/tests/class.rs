//! The rules about the struct, and about which field is exported.

use super::*;

#[test]
fn the_only_cell_is_exported_by_any_path() {
    accepted(&parse_quote!(
        struct S {
            n: usize,
            data: ExportCell<Vec<f32>>,
        }
    ));
    accepted(&parse_quote!(
        struct S(::buffer_runtime::ExportCell<Vec<f32>>);
    ));
}

#[test]
fn a_mark_wins_over_types() {
    accepted(&parse_quote!(
        struct S {
            a: ExportCell<Vec<f32>>,
            #[buffer]
            b: ExportCell<Vec<f32>>,
        }
    ));
    accepted(&parse_quote!(
        struct S {
            a: ExportCell<Vec<f32>>,
            #[buffer]
            b: Samples,
        }
    ));
    accepted(&parse_quote!(
        struct S(#[buffer] Samples, usize);
    ));
}

#[test]
fn no_exportable_field() {
    for (input, example) in [
        (
            parse_quote!(
                struct S {
                    data: Vec<f32>,
                }
            ),
            "as in `data: ExportCell<Vec<f32>>`",
        ),
        (
            parse_quote!(
                struct S {}
            ),
            "as in `data: ExportCell<Vec<f32>>`",
        ),
        (
            parse_quote!(
                struct S(Vec<f32>);
            ),
            "as in `struct S(ExportCell<Vec<f32>>);`",
        ),
        (
            parse_quote!(
                struct S;
            ),
            "as in `struct S { data: ExportCell<Vec<f32>> }`",
        ),
    ] {
        let error = error(&input);
        assert!(error.starts_with("no field to export; hold the data in an `ExportCell`"), "{error}");
        assert!(error.contains(example), "{error}");
    }
}

#[test]
fn two_cells_unmarked() {
    let expected = "more than one field is an `ExportCell`; write `#[buffer]` on the one to export, or `#[buffer(get)]` on each to export it as a property";
    assert_eq!(
        error(&parse_quote!(
            struct S {
                a: ExportCell<Vec<f32>>,
                b: ExportCell<Vec<f64>>,
            }
        )),
        expected
    );
    assert_eq!(
        error(&parse_quote!(
            struct S(ExportCell<Vec<f32>>, ExportCell<Vec<f64>>);
        )),
        expected
    );
}

#[test]
fn two_fields_marked() {
    let input = parse_quote!(
        struct S {
            #[buffer]
            a: A,
            #[buffer]
            b: B,
            #[buffer]
            c: C,
        }
    );
    assert_eq!(
        errors(&input),
        ["another field is the object's own buffer; write `#[buffer(get)]` here, so that a property exports this one";
            2]
    );
}

#[test]
fn not_a_struct() {
    let expected = "`ExportBuffer` exports a field of a struct; \
         move the `ExportCell` into a `#[pyclass]` struct and derive it there";
    assert_eq!(
        error(&parse_quote!(
            enum E {
                A(ExportCell<Vec<f32>>),
            }
        )),
        expected
    );
    assert_eq!(error(&parse_quote!(union U { a: u8 })), expected);
}

#[test]
fn generic_struct() {
    for input in [
        parse_quote!(
            struct S<T> {
                data: ExportCell<Vec<T>>,
            }
        ),
        parse_quote!(
            struct S<const N: usize> {
                data: ExportCell<[f32; N]>,
            }
        ),
        parse_quote!(
            struct S<'a, T> {
                data: ExportCell<&'a [T]>,
            }
        ),
    ] {
        assert_eq!(
            error(&input),
            "a Python class cannot be generic; write a struct for each type, as in `MatrixF32` and `MatrixF64`"
        );
    }
    assert_eq!(
        error(&parse_quote!(
            struct S<'a> {
                data: ExportCell<&'a [f32]>,
            }
        )),
        "a Python class cannot borrow; remove the lifetime and let the `ExportCell` own the data"
    );
}

#[test]
fn unsendable_class() {
    for attribute in [
        quote!(#[pyclass(unsendable)]),
        quote!(#[pyclass(name = "N", unsendable, subclass)]),
        quote!(#[pyo3::pyclass(unsendable)]),
        quote!(#[pyclass(frozen)] #[pyo3(unsendable)]),
    ] {
        let message = error(&parse_quote!(#attribute struct S { data: ExportCell<Vec<f32>> }));
        assert!(message.starts_with("remove `unsendable`: "), "{message}");
    }
    accepted(&parse_quote!(
        #[pyclass(name = "unsendable")]
        struct S {
            data: ExportCell<Vec<f32>>,
        }
    ));
    accepted(&parse_quote!(
        #[other(unsendable)]
        struct S {
            data: ExportCell<Vec<f32>>,
        }
    ));
}
