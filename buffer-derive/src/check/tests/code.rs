//! Which declarations run none of the user's code.

use proc_macro2::TokenStream;

use super::*;

/// Whether evaluating `extent` in a struct with the fields `n` and `r#type` is reported to run code.
fn runs_code(extent: &Expr) -> bool {
    declared_runs_code(&quote!(shape = [_, #extent]))
}

/// Whether evaluating `options` in a struct with the fields `n` and `r#type` is reported to run code.
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
    let input = Input::from_syn(&ctxt, &input);
    let export = check(ctxt, input.as_ref()).expect("no mistakes");
    matches!(export.fields[0].layout, Layout::Extents { reads: None, .. })
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
        quote!(shape = [N, 3], strides = [-4, (-4)], offset = 8),
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
fn fields_without_self() {
    for options in [
        quote!(shape = [_, ncols]),
        quote!(shape = [_, 2 * (ncols as usize + 1)]),
        quote!(shape = &ncols[..]),
        quote!(shape = [3], strides = [-ncols]),
        quote!(shape = [3], strides = ncols.strides()?),
        quote!(shape = [_], offset = ncols.start),
        quote!(format = ncols),
        quote!(readonly = !ncols.is_empty()),
    ] {
        assert_eq!(
            error(&parse_quote!(
                struct S {
                    #[buffer(#options)]
                    data: Cell,
                    ncols: usize,
                }
            )),
            "`ncols` is a field; write `self.ncols`"
        );
    }
    for extent in [quote!(NCOLS), quote!(other), quote!(self::ncols), quote!({ ncols }), quote!(ncols())] {
        accepted(&parse_quote!(
            struct S {
                #[buffer(shape = [_, #extent])]
                data: Cell,
                ncols: usize,
            }
        ));
    }
}

#[test]
fn a_tuple_struct_reads_its_fields_by_position() {
    let input: DeriveInput = parse_quote!(
        struct S(#[buffer(shape = [_, self.1])] Cell, usize);
    );
    let ctxt = Ctxt::new();
    let input = Input::from_syn(&ctxt, &input);
    let export = check(ctxt, input.as_ref()).expect("no mistakes");
    assert!(matches!(export.fields[0].layout, Layout::Extents { reads: Some(_), .. }));
}
