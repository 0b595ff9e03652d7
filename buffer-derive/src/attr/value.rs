//! The values of the options: their form, and the errors if the form is wrong.

use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Error, Expr, ExprArray, ExprLit, ExprUnary, Ident, Lit, LitBool, LitStr, Path, Result, Token, UnOp};

use super::{Extent, Numbers, Order, Readonly, Shape, Strides, end_of_option, ungroup};
use crate::ctxt::combined;

/// The expression in `name = expression`. `form` is how to write it, for the error.
pub(super) fn value(name: &Ident, input: ParseStream, form: &str) -> Result<Expr> {
    let missing = || Error::new(name.span(), format!("`{name}` needs a value; write {form}"));
    input.parse::<Token![=]>().map_err(|_| missing())?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(missing());
    }
    input.parse()
}

pub(super) fn flag(name: &Ident, input: ParseStream) -> Result<()> {
    end_of_option(input).map_err(|_| input.error(format_args!("`{name}` takes no value; write `{name}` alone")))
}

pub(super) fn shape(name: &Ident, input: ParseStream) -> Result<Numbers<Shape>> {
    const FORM: &str = "a bracketed list, as in `shape = [_, self.ncols]`, \
         or an expression for a slice of integers, as in `shape = self.dims()`";
    let value = value(name, input, FORM)?;
    numbers(name, value, FORM, |list| {
        let errors = list.elems.iter().filter(|extent| is_no_number(extent)).map(|extent| {
            Error::new_spanned(
                extent,
                "an extent is an integer, or an expression over `self` that gives one; write `_` to infer it",
            )
        });
        if let Some(error) = combined(errors) {
            return Err(error);
        }
        let extents = list.elems.iter().cloned().map(Extent::from_syn).collect();
        Ok(Shape { span: list.bracket_token.span.join(), extents })
    })
}

pub(super) fn strides(name: &Ident, input: ParseStream) -> Result<Numbers<Strides>> {
    const FORM: &str = "a bracketed list of bytes, as in `strides = [self.step, 4]`, \
         or an expression for a slice of integers, as in `strides = self.strides()`";
    let value = value(name, input, FORM)?;
    numbers(name, value, FORM, |list| {
        let inferred = list.elems.iter().filter(|stride| matches!(ungroup(stride), Expr::Infer(_)));
        let errors = inferred.map(|stride| {
            Error::new_spanned(
                stride,
                "a stride cannot be `_`; write a number of bytes or an expression over `self` here",
            )
        });
        match combined(errors) {
            Some(error) => Err(error),
            None => Ok(Strides { span: list.bracket_token.span.join(), strides: list.elems.iter().cloned().collect() }),
        }
    })
}

/// A list if `value` is one; otherwise a slice if it can be one.
fn numbers<L>(name: &Ident, value: Expr, form: &str, list: impl FnOnce(&ExprArray) -> Result<L>) -> Result<Numbers<L>> {
    match ungroup(&value) {
        Expr::Array(written) => list(written).map(Numbers::List),
        Expr::Reference(reference) if matches!(ungroup(&reference.expr), Expr::Array(_)) => Err(Error::new_spanned(
            reference.and_token,
            format!("`{name}` takes a bracketed list as it is; remove this `&`"),
        )),
        Expr::Lit(ExprLit { lit: Lit::Str(quoted), .. }) if quoted.value().starts_with('[') => Err(Error::new_spanned(
            &value,
            format!("`{name}` takes a list without quotes; write `{name} = {}`", quoted.value()),
        )),
        other if is_no_slice(other) => Err(Error::new_spanned(value, format!("`{name}` must be {form}"))),
        _ => Ok(Numbers::Slice(value)),
    }
}

pub(super) fn offset(name: &Ident, input: ParseStream) -> Result<Expr> {
    const FORM: &str = "a number of bytes, as in `offset = self.start`";
    let value = value(name, input, FORM)?;
    match ungroup(&value) {
        Expr::Infer(_) | Expr::Array(_) => Err(Error::new_spanned(value, format!("`offset` must be {FORM}"))),
        _ => Ok(value),
    }
}

pub(super) fn order(name: &Ident, input: ParseStream) -> Result<Order> {
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

pub(super) fn format(name: &Ident, input: ParseStream) -> Result<Expr> {
    const FORM: &str = "a string, as in `format = \"d\"` or `format = self.format()`";
    let value = value(name, input, FORM)?;
    let referred = match ungroup(&value) {
        Expr::Reference(reference) => &reference.expr,
        _ => &value,
    };
    match string(referred) {
        Some(literal) if literal.is_empty() => Err(Error::new_spanned(
            value,
            "`format` is empty; write what an item is, as in `format = \"d\"`, or remove `format` to export bytes",
        )),
        None if is_no_string(referred) => Err(Error::new_spanned(value, format!("`format` must be {FORM}"))),
        _ => Ok(value),
    }
}

pub(super) fn readonly(name: &Ident, input: ParseStream) -> Result<Readonly> {
    const FORM: &str = "`readonly` alone, or with a condition, as in `readonly = self.sealed`";
    if end_of_option(input).is_ok() {
        return Ok(Readonly::Always);
    }
    if !input.peek(Token![=]) {
        return Err(input.error(format_args!("write {FORM}")));
    }
    let value = value(name, input, FORM)?;
    match ungroup(&value) {
        Expr::Lit(ExprLit { lit: Lit::Bool(LitBool { value: true, .. }), .. }) => {
            Err(Error::new_spanned(value, "write `readonly` alone; a condition is for what is known only at run time"))
        }
        Expr::Lit(ExprLit { lit: Lit::Bool(_), .. }) => {
            Err(Error::new_spanned(value, "remove `readonly`; without it Python may write the elements"))
        }
        Expr::Lit(_) | Expr::Infer(_) | Expr::Array(_) | Expr::Tuple(_) => {
            Err(Error::new_spanned(value, format!("write {FORM}")))
        }
        _ => Ok(Readonly::If(value)),
    }
}

pub(super) fn property_name(name: &Ident, input: ParseStream) -> Result<LitStr> {
    const FORM: &str = "the name of the property in quotes, as in `name = \"values\"`";
    let value = value(name, input, FORM)?;
    match ungroup(&value) {
        // Every identifier of Rust is one of Python.
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.parse_with(Ident::parse_any).is_ok() => Ok(text.clone()),
        _ => Err(Error::new_spanned(value, format!("`name` must be {FORM}"))),
    }
}

pub(super) fn crate_path(name: &Ident, input: ParseStream) -> Result<Path> {
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

/// Whether the form alone shows that `expr` is not an integer.
fn is_no_number(expr: &Expr) -> bool {
    match ungroup(expr) {
        Expr::Lit(ExprLit { lit, .. }) => !matches!(lit, Lit::Int(_) | Lit::Byte(_)),
        Expr::Range(_) | Expr::Tuple(_) | Expr::Array(_) | Expr::Repeat(_) | Expr::Closure(_) => true,
        _ => false,
    }
}

/// Whether the form alone shows that `expr` is not a slice of integers, borrowed or not.
fn is_no_slice(expr: &Expr) -> bool {
    match ungroup(expr) {
        Expr::Reference(reference) => is_no_slice(&reference.expr),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => matches!(ungroup(expr), Expr::Lit(_)),
        Expr::Repeat(repeat) => matches!(ungroup(&repeat.expr), Expr::Infer(_)),
        Expr::Lit(_) | Expr::Infer(_) | Expr::Tuple(_) | Expr::Range(_) | Expr::Closure(_) => true,
        _ => false,
    }
}

/// Whether the form alone shows that `expr`, which is not a string literal, is not a string.
fn is_no_string(expr: &Expr) -> bool {
    matches!(ungroup(expr), Expr::Array(_) | Expr::Repeat(_)) || is_no_slice(expr)
}
