//! `#[buffer(...)]` -> typed attributes.
//!
//! What can be judged by looking at one option alone is judged here: its name, its place, the form of
//! its value, and whether it was given before. Rules between options are in [`check`](crate::check).

use std::mem;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, ExprLit, Ident, Lit, Meta, Path, Result, Token};

use crate::ctxt::{Ctxt, combined};

/// The options of the struct.
pub(crate) struct ClassAttrs {
    /// The path of `buffer_runtime`, if it is not the usual one.
    pub(crate) krate: Setting<Path>,
    pub(crate) no_array: Setting<()>,
}

/// The options of a field. [`mark`](Self::mark) is there wherever any of the others is.
pub(crate) struct FieldAttrs {
    /// The first `#[buffer]` of the field.
    pub(crate) mark: Option<Span>,
    pub(crate) shape: Setting<Shape>,
    pub(crate) order: Setting<Order>,
    pub(crate) strides: Setting<Strides>,
    pub(crate) offset: Setting<Expr>,
    pub(crate) readonly: Setting<()>,
}

/// An option of an attribute.
pub(crate) enum Setting<T> {
    Absent,
    /// Given with a value that makes no sense, which was reported.
    Broken,
    Given {
        name: Ident,
        value: T,
    },
}

/// A bracketed list of extents, as written: it may break any of the rules of [`check`](crate::check).
pub(crate) struct Shape {
    /// From the opening bracket to the closing one.
    pub(crate) span: Span,
    pub(crate) extents: Vec<Extent>,
}

/// One element of `shape`.
pub(crate) enum Extent {
    /// `_`: what the other extents and the number of elements leave.
    Inferred(Token![_]),
    Given(Expr),
}

/// A bracketed list of one stride or more, in bytes.
pub(crate) struct Strides {
    /// From the opening bracket to the closing one.
    pub(crate) span: Span,
    pub(crate) strides: Vec<Expr>,
}

/// Which extent varies fastest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    C,
    F,
}

const CLASS_OPTIONS: [&str; 2] = ["no_array", "crate"];
const FIELD_OPTIONS: [&str; 5] = ["shape", "order", "strides", "offset", "readonly"];

impl ClassAttrs {
    pub(crate) fn from_syn(ctxt: &Ctxt, attrs: &[Attribute]) -> Self {
        let mut class = Self { krate: Setting::Absent, no_array: Setting::Absent };
        for attr in buffer_attributes(attrs) {
            if let Meta::Path(path) = &attr.meta {
                ctxt.error_spanned_by(path, "`#[buffer]` marks a field; move it to the field to export");
                continue;
            }
            for_each_option(ctxt, attr, &CLASS_OPTIONS, |name, input| match name.to_string().as_str() {
                "crate" => class.krate.set(ctxt, name, || crate_path(name, input)),
                "no_array" => class.no_array.set(ctxt, name, || flag(name, input)),
                other if FIELD_OPTIONS.contains(&other) => Err(Error::new(
                    name.span(),
                    format!("`{other}` belongs in the `#[buffer(...)]` of the field to export; move it there"),
                )),
                _ => Err(unknown(name, &CLASS_OPTIONS)),
            });
        }
        class
    }
}

impl FieldAttrs {
    pub(crate) fn from_syn(ctxt: &Ctxt, attrs: &[Attribute]) -> Self {
        let mut field = Self {
            mark: None,
            shape: Setting::Absent,
            order: Setting::Absent,
            strides: Setting::Absent,
            offset: Setting::Absent,
            readonly: Setting::Absent,
        };
        for attr in buffer_attributes(attrs) {
            field.mark.get_or_insert_with(|| attr.path().span());
            if let Meta::Path(_) = &attr.meta {
                continue;
            }
            for_each_option(ctxt, attr, &FIELD_OPTIONS, |name, input| match name.to_string().as_str() {
                "shape" => field.shape.set(ctxt, name, || shape(name, input)),
                "order" => field.order.set(ctxt, name, || order(name, input)),
                "strides" => field.strides.set(ctxt, name, || strides(name, input)),
                "offset" => field.offset.set(ctxt, name, || offset(name, input)),
                "readonly" => field.readonly.set(ctxt, name, || flag(name, input)),
                other if CLASS_OPTIONS.contains(&other) => Err(Error::new(
                    name.span(),
                    format!("`{other}` belongs in a `#[buffer(...)]` above the struct; move it there"),
                )),
                _ => Err(unknown(name, &FIELD_OPTIONS)),
            });
        }
        field
    }
}

impl<T> Setting<T> {
    /// The value, if there is one.
    pub(crate) fn value(&self) -> Option<&T> {
        match self {
            Self::Given { value, .. } => Some(value),
            Self::Absent | Self::Broken => None,
        }
    }

    /// What an error about the option as a whole underlines, if it has a value.
    pub(crate) fn name(&self) -> Option<&Ident> {
        match self {
            Self::Given { name, .. } => Some(name),
            Self::Absent | Self::Broken => None,
        }
    }

    fn set(&mut self, ctxt: &Ctxt, name: &Ident, parse: impl FnOnce() -> Result<T>) -> Result<()> {
        if !matches!(self, Self::Absent) {
            ctxt.error_spanned_by(name, format_args!("`{name}` is given twice; remove one of the two"));
        }
        *self = Self::Broken;
        let value = parse()?;
        *self = Self::Given { name: name.clone(), value };
        Ok(())
    }
}

impl Shape {
    /// The extents written as `_`.
    pub(crate) fn inferred(&self) -> impl Iterator<Item = &Token![_]> {
        self.extents.iter().filter_map(|extent| match extent {
            Extent::Inferred(underscore) => Some(underscore),
            Extent::Given(_) => None,
        })
    }

    /// The extents written as expressions.
    pub(crate) fn given(&self) -> impl Iterator<Item = &Expr> {
        self.extents.iter().filter_map(|extent| match extent {
            Extent::Inferred(_) => None,
            Extent::Given(expr) => Some(expr),
        })
    }
}

impl ToTokens for Extent {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Inferred(underscore) => underscore.to_tokens(tokens),
            Self::Given(expr) => expr.to_tokens(tokens),
        }
    }
}

impl Extent {
    fn from_syn(expr: Expr) -> Self {
        match ungroup(&expr) {
            Expr::Infer(infer) => Self::Inferred(infer.underscore_token),
            _ => Self::Given(expr),
        }
    }
}

/// Looks through parentheses, and through the invisible ones around what `macro_rules!` substitutes.
pub(crate) fn ungroup(mut expr: &Expr) -> &Expr {
    loop {
        expr = match expr {
            Expr::Group(group) => &group.expr,
            Expr::Paren(paren) => &paren.expr,
            _ => return expr,
        };
    }
}

fn buffer_attributes(attrs: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("buffer"))
}

/// Calls `option` with the name of each option and the stream behind it, which holds the value.
fn for_each_option(
    ctxt: &Ctxt,
    attr: &Attribute,
    known: &[&str],
    mut option: impl FnMut(&Ident, ParseStream) -> Result<()>,
) {
    let Meta::List(list) = &attr.meta else {
        ctxt.error_spanned_by(
            &attr.meta,
            format_args!("write options in parentheses: `#[buffer(...)]` with {}", enumerate(known)),
        );
        return;
    };
    let parsed = list.parse_args_with(|input: ParseStream| {
        while !input.is_empty() {
            let result = match input.call(Ident::parse_any) {
                Ok(name) => option(&name, input).and_then(|()| end_of_option(input)),
                Err(_) => Err(input.error(format_args!("expected {}", enumerate(known)))),
            };
            if let Err(error) = result {
                ctxt.push(error);
                skip_to_comma(input);
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(())
    });
    if let Err(error) = parsed {
        ctxt.push(error);
    }
}

fn end_of_option(input: ParseStream) -> Result<()> {
    if input.is_empty() || input.peek(Token![,]) {
        Ok(())
    } else {
        Err(input.error("expected `,` between two options"))
    }
}

fn skip_to_comma(input: ParseStream) {
    while !input.is_empty() && !input.peek(Token![,]) && input.parse::<TokenTree>().is_ok() {}
}

/// The expression in `name = expression`; `form` says how the whole is written.
fn value(name: &Ident, input: ParseStream, form: &str) -> Result<Expr> {
    let missing = || Error::new(name.span(), format!("`{name}` needs a value; write {form}"));
    input.parse::<Token![=]>().map_err(|_| missing())?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(missing());
    }
    input.parse()
}

fn flag(name: &Ident, input: ParseStream) -> Result<()> {
    end_of_option(input).map_err(|_| input.error(format_args!("`{name}` takes no value; write `{name}` alone")))
}

fn shape(name: &Ident, input: ParseStream) -> Result<Shape> {
    const FORM: &str = "a bracketed list, as in `shape = [_, self.ncols]`";
    match value(name, input, FORM)? {
        Expr::Array(list) => Ok(Shape {
            span: list.bracket_token.span.join(),
            extents: list.elems.into_iter().map(Extent::from_syn).collect(),
        }),
        other => Err(Error::new_spanned(other, format!("`shape` must be {FORM}"))),
    }
}

fn strides(name: &Ident, input: ParseStream) -> Result<Strides> {
    const FORM: &str = "a bracketed list of bytes, as in `strides = [self.step, 4]`";
    let list = match value(name, input, FORM)? {
        Expr::Array(list) => list,
        other => return Err(Error::new_spanned(other, format!("`strides` must be {FORM}"))),
    };
    let span = list.bracket_token.span.join();
    if list.elems.is_empty() {
        return Err(Error::new(
            span,
            "`strides` is empty; write one for each extent of `shape`, in bytes, or remove `strides`",
        ));
    }
    let inferred = list.elems.iter().filter(|stride| matches!(ungroup(stride), Expr::Infer(_)));
    let errors = inferred.map(|stride| {
        Error::new_spanned(stride, "a stride cannot be `_`; write a number of bytes or an expression over `self` here")
    });
    match combined(errors) {
        Some(error) => Err(error),
        None => Ok(Strides { span, strides: list.elems.into_iter().collect() }),
    }
}

fn offset(name: &Ident, input: ParseStream) -> Result<Expr> {
    const FORM: &str = "a number of bytes, as in `offset = self.start`";
    let value = value(name, input, FORM)?;
    match ungroup(&value) {
        Expr::Infer(_) | Expr::Array(_) => Err(Error::new_spanned(value, format!("`offset` must be {FORM}"))),
        _ => Ok(value),
    }
}

fn order(name: &Ident, input: ParseStream) -> Result<Order> {
    const FORM: &str = "`order = \"C\"` or `order = \"F\"`";
    let value = value(name, input, FORM)?;
    let Some(letter) = string(&value) else {
        return Err(Error::new_spanned(value, format!("`order` must be a string; write {FORM}")));
    };
    match letter.as_str() {
        "C" => Ok(Order::C),
        "F" => Ok(Order::F),
        _ => Err(Error::new_spanned(
            value,
            format!("unknown order {letter:?}; write \"C\" if the last extent varies fastest, \"F\" if the first does"),
        )),
    }
}

fn crate_path(name: &Ident, input: ParseStream) -> Result<Path> {
    const FORM: &str = "the path of `buffer_runtime` in quotes, as in `crate = \"::facade::buffer_runtime\"`";
    let value = value(name, input, FORM)?;
    let path = match ungroup(&value) {
        Expr::Lit(ExprLit { lit: Lit::Str(path), .. }) => path.parse_with(Path::parse_mod_style).ok(),
        _ => None,
    };
    path.ok_or_else(|| Error::new_spanned(value, format!("`crate` must be {FORM}")))
}

fn string(expr: &Expr) -> Option<String> {
    match ungroup(expr) {
        Expr::Lit(ExprLit { lit: Lit::Str(string), .. }) => Some(string.value()),
        _ => None,
    }
}

fn unknown(name: &Ident, known: &[&str]) -> Error {
    let typed = name.to_string();
    let message = match known.iter().find(|option| resembles(&typed, option)) {
        Some(option) => format!("unknown option `{typed}`; did you mean `{option}`?"),
        None => format!("unknown option `{typed}`; the options here are {}", enumerate(known)),
    };
    Error::new(name.span(), message)
}

/// `a`, `b` or `c`.
fn enumerate(options: &[&str]) -> String {
    let quoted: Vec<String> = options.iter().map(|option| format!("`{option}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// Whether somebody who wrote `typed` is likely to have meant `option`.
fn resembles(typed: &str, option: &str) -> bool {
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    edit_distance(&plain(typed), &plain(option)) <= 2
}

/// Levenshtein's distance.
fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = mem::replace(&mut row[0], i + 1);
        for (j, &b) in to.iter().enumerate() {
            let substituted = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests;
