//! Each rule, by the one message that breaking it gives; and what is left when all are kept.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{DeriveInput, LitInt, parse_quote};

use super::*;

mod placement;

/// The messages that deriving on `input` gives.
fn errors(input: &DeriveInput) -> Vec<String> {
    let ctxt = Ctxt::new();
    if let Some(input) = Input::from_syn(&ctxt, input) {
        check(&ctxt, &input);
    }
    let error = ctxt.check().err();
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

/// Whether evaluating `extent` in a struct with the fields `n` and `r#type` is said to run code.
fn runs_code(extent: &Expr) -> bool {
    declared_runs_code(&quote!(shape = [_, #extent]))
}

/// Whether evaluating `options` in a struct with the fields `n` and `r#type` is said to run code.
fn declared_runs_code(options: &TokenStream) -> bool {
    let input: DeriveInput = parse_quote! {
        struct S {
            n: usize,
            r#type: usize,
            #[buffer(#options)]
            data: ExportCell<Vec<f32>>,
        }
    };
    let ctxt = Ctxt::new();
    let input = Input::from_syn(&ctxt, &input).expect("a struct");
    let export = check(&ctxt, &input).expect("an exported field");
    assert!(ctxt.check().is_ok());
    matches!(export.layout, Layout::Extents { runs_code: true, .. })
}

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
    let expected = "more than one field is an `ExportCell`; write `#[buffer]` on the one to export";
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
    assert_eq!(errors(&input), ["only one field can be exported; remove this `#[buffer]` or the one before it"; 2]);
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

#[test]
fn shape_empty() {
    assert_eq!(
        error(&parse_quote!(
            struct S(#[buffer(shape = [])] Cell);
        )),
        "`shape` is empty; write an extent for each dimension, or remove `shape` to export the storage's own"
    );
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
            struct S(#[buffer(order = "F")] Cell);
        )),
        "`order` needs a `shape`; write one beside it, as in `shape = [_, self.ncols]`, or remove `order`"
    );
}

#[test]
fn a_broken_option_breaks_no_other_rule() {
    for options in [
        quote!(shape = 3, strides = [4], offset = 4),
        quote!(shape = [], strides = [4]),
        quote!(shape = [2, 3], strides = 4, order = "F"),
        quote!(shape = [2, 3], strides = [12, _]),
        quote!(strides = []),
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

#[test]
fn literals_constants_and_fields_run_no_code() {
    for extent in [
        parse_quote!(3),
        parse_quote!(N),
        parse_quote!(Self::N),
        parse_quote!(crate::consts::N),
        parse_quote!(self.n),
        parse_quote!(self.r#type),
        parse_quote!((self.n)),
        parse_quote!(self.n as usize),
        parse_quote!((N as u32) as i64),
        parse_quote!(-4 as isize),
    ] {
        assert!(!runs_code(&extent), "{}", quote!(#extent));
    }
}

#[test]
fn anything_else_may_run_code() {
    for extent in [
        parse_quote!(self.rows()),
        parse_quote!(rows(self)),
        parse_quote!(self.n * 2),
        parse_quote!(-self.n),
        parse_quote!(-N),
        parse_quote!(-4.0),
        parse_quote!(!4),
        parse_quote!(*self.n),
        parse_quote!(self.other),
        parse_quote!(self.n.inner),
        parse_quote!(other.n),
        parse_quote!(self.n as Alias),
        parse_quote!(self.n as f64),
        parse_quote!(rows!()),
        parse_quote!({ self.n }),
        parse_quote!(self.n?),
        parse_quote!(ROWS[0]),
    ] {
        assert!(runs_code(&extent), "{}", quote!(#extent));
    }
}

#[test]
fn code_counts_wherever_it_is() {
    for options in [
        quote!(shape = [_, 3], offset = self.n),
        quote!(shape = [N, 3], strides = [-4, (-4)]),
        quote!(shape = [N, 3], strides = [self.n, -4i64], offset = 8),
    ] {
        assert!(!declared_runs_code(&options), "{options}");
    }
    for options in [
        quote!(shape = [_, 3], offset = self.start()),
        quote!(shape = [self.rows(), 3], strides = [12, 4], offset = 8),
        quote!(shape = [N, 3], strides = [-self.n, 4], offset = 8),
        quote!(shape = [N, 3], strides = [12, 4], offset = self.n * 4),
    ] {
        assert!(declared_runs_code(&options), "{options}");
    }
}

#[test]
fn a_tuple_struct_reads_its_fields_by_position() {
    let input: DeriveInput = parse_quote!(
        struct S(#[buffer(shape = [_, self.1])] Cell, usize);
    );
    let ctxt = Ctxt::new();
    let input = Input::from_syn(&ctxt, &input).expect("a struct");
    let export = check(&ctxt, &input).expect("an exported field");
    assert!(ctxt.check().is_ok());
    assert!(matches!(export.layout, Layout::Extents { runs_code: false, .. }));
}
