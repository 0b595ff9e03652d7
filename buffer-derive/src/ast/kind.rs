//! Whether a struct is a class or a record, as far as its form shows.
//!
//! A struct with the wrong derive, or with one twice, breaks most rules of that derive. So this is checked first, and
//! an error here is the only error.

use proc_macro2::TokenTree;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Attribute, Data, DeriveInput, Error, Field, Ident, Meta, Path, Result, Token};

use super::form::mentions;
use crate::attr::element::{ELEMENT_OPTIONS, Repr};

/// Checks that a struct that derives `ExportBuffer` does so once.
pub(crate) fn check_exported_once(input: &DeriveInput) -> Result<()> {
    check_derived_once(input, "ExportBuffer")
}

/// Checks that a struct that derives `ExportBuffer` is not a record.
pub(crate) fn check_no_record(input: &DeriveInput) -> Result<()> {
    let is_of_record = |attr: &Attribute| !attr.path().is_ident("buffer") || has_only_options_of_records(attr);
    let is_record = matches!(input.data, Data::Struct(_))
        && Repr::from_syn(&input.attrs) != Repr::Rust
        && !is_class(input)
        && fields(input).iter().all(|field| field.attrs.iter().all(is_of_record));
    if !is_record {
        return Ok(());
    }
    let ident = &input.ident;
    let message = format!(
        "`{ident}` is a record; write `#[derive(Clone, Copy, BufferElement)]`, and `ExportBuffer` for the class that \
         holds such records, as in `data: ExportCell<Vec<{ident}>>`"
    );
    Err(Error::new_spanned(ident, message))
}

/// Checks that a struct that derives `BufferElement` does so once.
pub(crate) fn check_recorded_once(input: &DeriveInput) -> Result<()> {
    check_derived_once(input, "BufferElement")
}

/// Checks that a struct that derives `BufferElement` does so once, and is not a class.
pub(crate) fn check_no_class(input: &DeriveInput) -> Result<()> {
    check_recorded_once(input)?;
    if !is_class(input) {
        return Ok(());
    }
    let ident = &input.ident;
    let message = format!(
        "`{ident}` is a class, and `BufferElement` is for the records that an `ExportCell` holds; remove \
         `BufferElement`, and write `#[derive(ExportBuffer)]`"
    );
    Err(Error::new_spanned(ident, message))
}

/// Checks that the derive `name` does not also stand in a `#[derive(...)]` below. One above is not visible.
fn check_derived_once(input: &DeriveInput, name: &str) -> Result<()> {
    for attr in &input.attrs {
        if !attr.path().is_ident("derive") {
            continue;
        }
        let paths = attr.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated).unwrap_or_default();
        for path in &paths {
            if path.segments.last().is_some_and(|segment| segment.ident == name) {
                return Err(Error::new_spanned(path, format!("`{name}` is derived twice; remove one of the two")));
            }
        }
    }
    Ok(())
}

/// Whether there is a `#[pyclass]`, which is visible only below the derive, or a cell.
fn is_class(input: &DeriveInput) -> bool {
    let is_pyclass = |attr: &Attribute| attr.path().segments.last().is_some_and(|segment| segment.ident == "pyclass");
    // A `PhantomData` only names a cell.
    let is_cell = |field: &&Field| mentions(&field.ty, "ExportCell") && !mentions(&field.ty, "PhantomData");
    input.attrs.iter().any(is_pyclass) || fields(input).iter().any(is_cell)
}

fn fields(input: &DeriveInput) -> Vec<&Field> {
    match &input.data {
        Data::Struct(data) => data.fields.iter().collect(),
        Data::Enum(_) | Data::Union(_) => Vec::new(),
    }
}

fn has_only_options_of_records(attr: &Attribute) -> bool {
    let Meta::List(list) = &attr.meta else {
        return false;
    };
    let all = list.parse_args_with(|input: ParseStream| {
        let mut all = true;
        while !input.is_empty() {
            let name = input.call(Ident::parse_any)?;
            all &= ELEMENT_OPTIONS.iter().any(|option| name == option);
            while !input.is_empty() && !input.peek(Token![,]) {
                input.parse::<TokenTree>()?;
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(all)
    });
    all.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn message(checked: Result<()>) -> String {
        checked.expect_err("a mistake").to_string()
    }

    #[test]
    fn a_record_is_no_class() {
        for input in [
            parse_quote!(
                #[repr(C)]
                struct R {
                    a: u8,
                    #[buffer(padding)]
                    _pad: [u8; 3],
                    #[buffer(as = [f32; 2])]
                    b: V,
                }
            ),
            parse_quote!(
                #[repr(transparent)]
                struct R(f32);
            ),
        ] {
            assert!(message(check_no_record(&input)).starts_with("`R` is a record; write"));
        }
        for input in [
            parse_quote!(
                struct S {
                    a: u8,
                }
            ),
            parse_quote!(
                #[repr(C)]
                struct S {
                    data: ExportCell<Vec<u8>>,
                }
            ),
            parse_quote!(
                #[repr(C)]
                struct S {
                    #[buffer]
                    data: Alias,
                }
            ),
            parse_quote!(
                #[repr(C)]
                struct S {
                    #[buffer(shape = [_], readonly)]
                    data: Alias,
                }
            ),
            parse_quote!(
                #[repr(C)]
                #[pyo3::pyclass]
                struct S {
                    data: Alias,
                }
            ),
            parse_quote!(#[repr(C)] union U { a: u8 }),
        ] {
            assert!(check_no_record(&input).is_ok());
        }
    }

    #[test]
    fn a_class_is_no_record() {
        for input in [
            parse_quote!(
                #[pyclass(frozen)]
                struct S {
                    a: u8,
                }
            ),
            parse_quote!(
                struct S {
                    data: Option<ExportCell<Vec<u8>>>,
                }
            ),
        ] {
            assert!(message(check_no_class(&input)).starts_with("`S` is a class, and"));
        }
        assert!(
            check_no_class(&parse_quote!(
                #[repr(C)]
                struct R {
                    a: u8,
                }
            ))
            .is_ok()
        );
    }

    #[test]
    fn the_same_derive_below_is_found() {
        let input = parse_quote!(
            #[derive(Clone, buffer_runtime::ExportBuffer)]
            struct S {
                data: Cell,
            }
        );
        assert_eq!(message(check_exported_once(&input)), "`ExportBuffer` is derived twice; remove one of the two");
        let input = parse_quote!(
            #[derive(Clone, Copy, BufferElement)]
            struct S {
                a: u8,
            }
        );
        assert_eq!(message(check_no_class(&input)), "`BufferElement` is derived twice; remove one of the two");
    }
}
