//! `#[buffer(...)]` -> typed attributes.
//!
//! This module checks each option by itself: its name, its place, the form of its value, and whether it was given
//! before. Rules between options are in [`check`](crate::check).

pub(crate) mod element;
mod unknown;
mod value;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, Ident, LitStr, Meta, Path, Result, Token};

use self::unknown::{enumerate, unknown};
use self::value::{crate_path, flag, format, offset, order, property_name, readonly, shape, strides};
use crate::ctxt::Ctxt;

/// The options of the struct.
pub(crate) struct ClassAttrs {
    /// The path of `buffer_runtime`, if it is not the usual one.
    pub(crate) krate: Setting<Path>,
    pub(crate) no_array: Setting<()>,
    /// Whether objects can be pickled and copied.
    pub(crate) pickle: Setting<()>,
}

/// The options of a field. [`mark`](Self::mark) is set if any option besides [`default`](Self::default) is.
pub(crate) struct FieldAttrs {
    /// The first `#[buffer]` of the field.
    pub(crate) mark: Option<Span>,
    pub(crate) shape: Setting<Numbers<Shape>>,
    pub(crate) order: Setting<Order>,
    pub(crate) strides: Setting<Numbers<Strides>>,
    pub(crate) offset: Setting<Expr>,
    pub(crate) format: Setting<Expr>,
    pub(crate) readonly: Setting<Readonly>,
    pub(crate) pin: Setting<()>,
    /// Whether a property exports the field.
    pub(crate) get: Setting<()>,
    /// The name of that property, if it is not the field's.
    pub(crate) name: Setting<LitStr>,
    /// Whether the field is the object's own buffer, beside the property.
    pub(crate) own: Setting<()>,
    /// Whether the field of an unpickled object begins with the default value of its type.
    pub(crate) default: Setting<()>,
}

/// An option of an attribute.
pub(crate) enum Setting<T> {
    Absent,
    /// Given with an invalid value, which was reported.
    Broken,
    Given {
        name: Ident,
        value: T,
    },
}

/// The value of an option that takes a number for each dimension.
pub(crate) enum Numbers<L> {
    /// A bracketed list: the number of dimensions is known at compile time.
    List(L),
    /// Any other expression, for a slice of integers: the number of dimensions is known only at run time.
    Slice(Expr),
}

/// A bracketed list of extents, as written: it may break any of the rules of [`check`](crate::check).
pub(crate) struct Shape {
    /// From the opening bracket to the closing one.
    pub(crate) span: Span,
    pub(crate) extents: Vec<Extent>,
}

/// One element of `shape`.
pub(crate) enum Extent {
    /// `_`: inferred from the other extents and the number of elements.
    Inferred(Token![_]),
    Given(Expr),
}

/// A bracketed list of strides, in bytes, as written.
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

/// When Python may read the elements but not write them.
pub(crate) enum Readonly {
    Always,
    /// If this expression is true at run time.
    If(Expr),
}

const CLASS_OPTIONS: [&str; 3] = ["pickle", "no_array", "crate"];
const FIELD_OPTIONS: [&str; 11] =
    ["shape", "order", "strides", "offset", "format", "readonly", "pin", "get", "name", "own", "default"];

impl ClassAttrs {
    pub(crate) fn from_syn(ctxt: &Ctxt, attrs: &[Attribute]) -> Self {
        let mut class = Self { krate: Setting::Absent, no_array: Setting::Absent, pickle: Setting::Absent };
        for attr in buffer_attributes(attrs) {
            if let Meta::Path(path) = &attr.meta {
                ctxt.error_spanned_by(path, "`#[buffer]` marks a field; move it to the field to export");
                continue;
            }
            for_each_option(ctxt, attr, &CLASS_OPTIONS, &mut |name, input| match name.to_string().as_str() {
                "crate" => class.krate.set(ctxt, name, crate_path(name, input)),
                "no_array" => class.no_array.set(ctxt, name, flag(name, input)),
                "pickle" => class.pickle.set(ctxt, name, flag(name, input)),
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
            format: Setting::Absent,
            readonly: Setting::Absent,
            pin: Setting::Absent,
            get: Setting::Absent,
            name: Setting::Absent,
            own: Setting::Absent,
            default: Setting::Absent,
        };
        for attr in buffer_attributes(attrs) {
            if let Meta::Path(path) = &attr.meta {
                field.mark.get_or_insert_with(|| path.span());
                continue;
            }
            let mut marks = false;
            for_each_option(ctxt, attr, &FIELD_OPTIONS, &mut |name, input| {
                marks |= name != "default";
                match name.to_string().as_str() {
                    "shape" => field.shape.set(ctxt, name, shape(name, input)),
                    "order" => field.order.set(ctxt, name, order(name, input)),
                    "strides" => field.strides.set(ctxt, name, strides(name, input)),
                    "offset" => field.offset.set(ctxt, name, offset(name, input)),
                    "format" => field.format.set(ctxt, name, format(name, input)),
                    "readonly" => field.readonly.set(ctxt, name, readonly(name, input)),
                    "pin" => field.pin.set(ctxt, name, flag(name, input)),
                    "get" => field.get.set(ctxt, name, flag(name, input)),
                    "name" => field.name.set(ctxt, name, property_name(name, input)),
                    "own" => field.own.set(ctxt, name, flag(name, input)),
                    "default" => field.default.set(ctxt, name, flag(name, input)),
                    other if CLASS_OPTIONS.contains(&other) => Err(Error::new(
                        name.span(),
                        format!("`{other}` belongs in a `#[buffer(...)]` above the struct; move it there"),
                    )),
                    other if element::ELEMENT_OPTIONS.contains(&other) => Err(Error::new(
                        name.span(),
                        format!(
                            "`{other}` is for the fields of a record, which derives `BufferElement`; remove it here"
                        ),
                    )),
                    _ => Err(unknown(name, &FIELD_OPTIONS)),
                }
            });
            // `#[buffer()]` marks the field too.
            if marks || !field.default.is_given() {
                field.mark.get_or_insert_with(|| attr.path().span());
            }
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

    pub(crate) fn is_given(&self) -> bool {
        matches!(self, Self::Given { .. })
    }

    /// The tokens that an error about the whole option underlines, if the option has a value.
    pub(crate) fn name(&self) -> Option<&Ident> {
        match self {
            Self::Given { name, .. } => Some(name),
            Self::Absent | Self::Broken => None,
        }
    }

    fn set(&mut self, ctxt: &Ctxt, name: &Ident, parsed: Result<T>) -> Result<()> {
        if !matches!(self, Self::Absent) {
            given_twice(ctxt, name);
        }
        match parsed {
            Ok(value) => {
                *self = Self::Given { name: name.clone(), value };
                Ok(())
            }
            Err(error) => {
                *self = Self::Broken;
                Err(error)
            }
        }
    }
}

fn given_twice(ctxt: &Ctxt, name: &Ident) {
    ctxt.error_spanned_by(name, format_args!("`{name}` is given twice; remove one of the two"));
}

impl<L> Numbers<L> {
    /// The list, if the value is one.
    pub(crate) fn list(&self) -> Option<&L> {
        match self {
            Self::List(list) => Some(list),
            Self::Slice(_) => None,
        }
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

/// Removes parentheses, and the invisible groups around the tokens that `macro_rules!` substitutes.
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

/// Calls `option` with the name of each option and the stream after it, which contains the value.
fn for_each_option(
    ctxt: &Ctxt,
    attr: &Attribute,
    known: &[&str],
    option: &mut dyn FnMut(&Ident, ParseStream) -> Result<()>,
) {
    let Meta::List(list) = &attr.meta else {
        ctxt.error_spanned_by(
            &attr.meta,
            format_args!("write options in parentheses: `#[buffer(...)]` with {}", enumerate(known)),
        );
        return;
    };
    let mut broken = false;
    let parsed = list.parse_args_with(|input: ParseStream| {
        while !input.is_empty() {
            let result = match input.call(Ident::parse_any) {
                Ok(name) => option(&name, input).and_then(|()| end_of_option(input)),
                Err(_) => Err(input.error(format_args!("expected {}", enumerate(known)))),
            };
            if let Err(error) = result {
                ctxt.push(error);
                broken = true;
                skip_to_comma(input);
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(())
    });
    // If a broken option leaves tokens unread inside a bracket, the parser reports a second error. Drop that one.
    if let Err(error) = parsed
        && !broken
    {
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

#[cfg(test)]
mod tests;
