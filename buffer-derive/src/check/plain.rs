//! What the form of an expression shows: its number, and whether it can run code.

use syn::{Expr, ExprCast, ExprField, ExprLit, ExprPath, ExprUnary, Lit, Member, Type, UnOp};

use crate::ast::Input;
use crate::attr::ungroup;

/// Whether `expr` is an integer literal with a minus sign.
pub(super) fn is_negated_integer(expr: &Expr) -> bool {
    matches!(ungroup(expr), Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) if integer(expr).is_some())
}

pub(super) fn integer(expr: &Expr) -> Option<u128> {
    match ungroup(expr) {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) => int.base10_parse().ok(),
        _ => None,
    }
}

/// The value of an integer literal, with or without a minus sign.
pub(super) fn number(expr: &Expr) -> Option<i64> {
    match ungroup(expr) {
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => i64::try_from(integer(expr)?).ok()?.checked_neg(),
        literal => i64::try_from(integer(literal)?).ok(),
    }
}

/// Whether `expr` is an integer literal without a suffix, with or without a minus sign, that does not fit into an
/// `i64`.
pub(super) fn is_out_of_range(expr: &Expr) -> bool {
    let (literal, most) = match ungroup(expr) {
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => (ungroup(expr), i64::MIN.unsigned_abs()),
        literal => (literal, i64::MAX.unsigned_abs()),
    };
    match literal {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) if int.suffix().is_empty() => {
            int.base10_parse::<u64>().map_or(true, |magnitude| magnitude > most)
        }
        _ => false,
    }
}

/// Whether evaluating `expr` cannot run the user's code: it reads a literal, a constant or a field.
///
/// The answer depends on the form alone. The form cannot show that the value is an integer; the runtime's bound on
/// extents checks that, so no conversion or operator of the user's is involved. Other macros may still remove the
/// field, and then `self` may lead to another field through a `Deref`. So the expansion matches [`field_read`] in a
/// pattern.
pub(super) fn is_plain(input: &Input, expr: &Expr) -> bool {
    match ungroup(expr) {
        Expr::Lit(_) => true,
        Expr::Unary(_) => is_negated_integer(expr),
        Expr::Path(path) => !is_self(path),
        Expr::Field(_) => field_read(expr).is_some_and(|member| input.has(member)),
        Expr::Cast(ExprCast { expr, ty, .. }) => is_integer_type(ty) && is_plain(input, expr),
        _ => false,
    }
}

/// The same of a condition. The compiler checks that the value is a `bool`.
pub(super) fn is_plain_bool(input: &Input, expr: &Expr) -> bool {
    match ungroup(expr) {
        Expr::Lit(_) => true,
        Expr::Field(_) => field_read(expr).is_some_and(|member| input.has(member)),
        _ => false,
    }
}

/// The field of `self` that a plain expression reads.
pub(super) fn field_read(expr: &Expr) -> Option<&Member> {
    match ungroup(expr) {
        Expr::Field(ExprField { base, member, .. }) => {
            matches!(ungroup(base), Expr::Path(path) if is_self(path)).then_some(member)
        }
        Expr::Cast(ExprCast { expr, .. }) => field_read(expr),
        _ => None,
    }
}

fn is_self(path: &ExprPath) -> bool {
    path.path.is_ident("self")
}

fn is_integer_type(ty: &Type) -> bool {
    const INTEGERS: [&str; 10] = ["usize", "isize", "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"];
    matches!(ty, Type::Path(path) if INTEGERS.iter().any(|integer| path.path.is_ident(integer)))
}
