//! What the form of a type shows: its name, and what it wraps.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{GenericArgument, PathArguments, PathSegment, Type};

/// Types of the standard library that share, lock or may lack their contents.
const WRAPPERS: [&str; 14] = [
    "Option",
    "Arc",
    "Rc",
    "Box",
    "Mutex",
    "RwLock",
    "RefCell",
    "Cell",
    "UnsafeCell",
    "OnceCell",
    "OnceLock",
    "LazyCell",
    "LazyLock",
    "ManuallyDrop",
];
/// The wrappers that may stand around a slice in a storage.
const SHARES: [&str; 2] = ["Arc", "Box"];

const NUMBERS: [&str; 12] = ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize", "f32", "f64"];

/// Whether a type has this name, with any path and any parameters.
pub(crate) fn is_called(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == name)
}

/// Whether the name stands anywhere in a type.
pub(crate) fn mentions(ty: &Type, name: &str) -> bool {
    fn any(tokens: TokenStream, name: &str) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => ident == name,
            TokenTree::Group(group) => any(group.stream(), name),
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }
    any(ty.to_token_stream(), name)
}

/// The cell inside wrappers of the standard library, as in `Option<Arc<ExportCell<Vec<f32>>>>`, if there is one.
pub(crate) fn wrapped_cell(ty: &Type) -> Option<&Type> {
    let inner = wrapped(ty, &WRAPPERS)?;
    if is_called(inner, "ExportCell") { Some(inner) } else { wrapped_cell(inner) }
}

/// Whether a type is memory that an `ExportCell` can own. A name without parameters is an alias.
pub(crate) fn is_storage(ty: &Type) -> bool {
    let of_slice = || wrapped(ty, &SHARES).is_some_and(|inner| matches!(ungroup(inner), Type::Slice(_)));
    let is_storage = matches!(ungroup(ty), Type::Array(_)) || wrapped(ty, &["Vec", "Rows"]).is_some() || of_slice();
    is_storage && !mentions(ty, "ExportCell")
}

/// Whether a type is an `ExportCell` of memory whose items are numbers, as far as names show.
pub(crate) fn is_cell_of_numbers(ty: &Type) -> bool {
    let cell = last_segment(ty).filter(|segment| segment.ident == "ExportCell");
    let Some(mut item) = cell.and_then(argument) else {
        return false;
    };
    while let Some(inner) = match ungroup(item) {
        Type::Array(array) => Some(&*array.elem),
        Type::Slice(slice) => Some(&*slice.elem),
        Type::Path(_) => wrapped(item, &["Vec", "Box", "Arc", "Be", "Le"]),
        _ => None,
    } {
        item = inner;
    }
    NUMBERS.iter().any(|number| is_called(item, number))
}

/// Whether a type is a number or a text, as far as its name shows.
pub(crate) fn is_value(ty: &Type) -> bool {
    NUMBERS.iter().chain(&["bool", "char", "String"]).any(|value| is_called(ty, value))
}

/// Whether a type is several cells in a collection of the standard library.
pub(crate) fn is_several_cells(ty: &Type) -> bool {
    const COLLECTIONS: [&str; 5] = ["Vec", "VecDeque", "HashMap", "BTreeMap", "Box"];
    let is_collection =
        COLLECTIONS.iter().any(|name| is_called(ty, name)) || matches!(ungroup(ty), Type::Array(_) | Type::Tuple(_));
    is_collection && mentions(ty, "ExportCell")
}

/// A type as a user would write it.
pub(crate) fn written(ty: &Type) -> String {
    let mut text = String::new();
    write(&mut text, ty.to_token_stream());
    text
}

fn write(text: &mut String, tokens: TokenStream) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::None => ("", ""),
                };
                if open == "[" && ends_with_word(text) {
                    text.push(' ');
                }
                text.push_str(open);
                write(text, group.stream());
                text.push_str(close);
            }
            TokenTree::Punct(punct) => {
                text.push(punct.as_char());
                if matches!(punct.as_char(), ',' | ';') {
                    text.push(' ');
                }
            }
            word => {
                if ends_with_word(text) {
                    text.push(' ');
                }
                text.push_str(&word.to_string());
            }
        }
    }
}

fn ends_with_word(text: &str) -> bool {
    text.ends_with(|last: char| last.is_alphanumeric() || last == '_')
}

/// The type that one of these wrappers contains.
fn wrapped<'a>(ty: &'a Type, wrappers: &[&str]) -> Option<&'a Type> {
    let segment = last_segment(ty)?;
    wrappers.iter().any(|wrapper| segment.ident == *wrapper).then(|| argument(segment)).flatten()
}

/// The first type in angle brackets.
fn argument(segment: &PathSegment) -> Option<&Type> {
    match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        }),
        _ => None,
    }
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ungroup(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

fn ungroup(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            _ => return ty,
        };
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn cells_are_found_inside_wrappers() {
        for ty in [
            parse_quote!(Option<ExportCell<Vec<f32>>>),
            parse_quote!(std::sync::Arc<Mutex<ExportCell<Vec<f32>>>>),
            parse_quote!((RefCell<Option<ExportCell<Vec<f32>>>>)),
        ] {
            assert_eq!(wrapped_cell(&ty).map(written).as_deref(), Some("ExportCell<Vec<f32>>"));
        }
        for ty in
            [parse_quote!(ExportCell<Vec<f32>>), parse_quote!(Vec<ExportCell<Vec<f32>>>), parse_quote!(Option<u8>)]
        {
            assert!(wrapped_cell(&ty).is_none());
        }
    }

    #[test]
    fn names_without_parameters_are_no_storages() {
        for ty in [parse_quote!(Vec<f32>), parse_quote!(buffer_runtime::Rows<u8>), parse_quote!([f32; N])] {
            assert!(is_storage(&ty), "{}", written(&ty));
        }
        for ty in [parse_quote!(Rows), parse_quote!(own::Vec), parse_quote!(Vec<ExportCell<Vec<f32>>>)] {
            assert!(!is_storage(&ty), "{}", written(&ty));
        }
    }

    #[test]
    fn cells_of_numbers_are_known_by_names() {
        for ty in [
            parse_quote!(ExportCell<Vec<f32>>),
            parse_quote!(buffer_runtime::ExportCell<[[u8; 4]; N]>),
            parse_quote!(ExportCell<Box<[Be<u32>]>>),
            parse_quote!(ExportCell<Arc<Vec<[f64; 2]>>>),
        ] {
            assert!(is_cell_of_numbers(&ty), "{}", written(&ty));
        }
        for ty in [parse_quote!(Vec<f32>), parse_quote!(ExportCell<Vec<Particle>>), parse_quote!(ExportCell<Vec<char>>)]
        {
            assert!(!is_cell_of_numbers(&ty), "{}", written(&ty));
        }
    }

    #[test]
    fn types_are_shown_as_they_are_written() {
        for text in ["[f32; 3]", "Vec<[u8; 2]>", "&'static [f32]", "Box<dyn Fn(u8)->u8>", "a::B<C, D>", "[u8; { N }]"] {
            let ty: Type = syn::parse_str(text).unwrap();
            assert_eq!(written(&ty), text.replace("{ N }", "{N}"));
        }
    }
}
