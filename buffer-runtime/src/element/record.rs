//! Records: what `#[derive(BufferElement)]` declares about a struct, and what is proved about the struct at compile
//! time.
//!
//! The derive never writes the type of a field a second time: a macro in that type could expand to another type there.
//! Instead it passes functions that take the struct and return the field. They are never called; from them the compiler
//! infers the type of the field. The derive also takes the offset of the field from the compiler. So the proof is about
//! the struct as it is, even if other macros rewrite the struct before or after the derive.

use std::ffi::CStr;
use std::marker::PhantomData;

use bytemuck::{AnyBitPattern, NoUninit};

use super::const_text::ConstText;
use super::{Facts, code};
use crate::layout::InnerShape;

/// A struct with a description of every field.
///
/// # Safety
///
/// `FIELDS` are all fields of the struct except those of type `PhantomData`, in the order in which they lie in memory.
/// Each is made with the function that returns the field, and with the place of the field.
pub unsafe trait Record: 'static {
    /// Its fields in the order in which they lie in memory; at least one. ([`size`] panics if there is a byte that is
    /// not part of one.)
    const FIELDS: &'static [Field];
}

/// A field of a record: initialised bytes, after those of the field before.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name in Rust, for messages.
    member: &'static str,
    /// Its name in Python; `None` where Python sees padding.
    name: Option<&'static str>,
    format: &'static CStr,
    itemsize: usize,
    inner: InnerShape,
    any_bits: bool,
    /// How many bytes there are between the field before and this one; [`size`] refuses any.
    hole: usize,
    /// The size of the element that Python sees, which has to be the field's own.
    described: usize,
    size: usize,
    align: usize,
    /// How many bytes of the record come before the next field.
    end: usize,
}

/// Where a field lies: its name in Rust, where it starts, and where the field before it ends.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// For messages.
    pub member: &'static str,
    /// In bytes from the start of the record.
    pub start: usize,
    /// In bytes from the start of the record.
    pub previous_end: usize,
}

impl Field {
    /// A field that is an element.
    ///
    /// # Panics
    ///
    /// At compile time, when the field lies before the previous one.
    #[track_caller]
    pub const fn new<R, F>(_of: fn(R) -> F, facts: Facts<F>, place: Place) -> Self {
        let any_bits = facts.any_bits;
        Self::described::<F, F>(facts, any_bits, place)
    }

    /// A field whose type has bytemuck's guarantees, and which Python sees as an element of the same size.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    #[track_caller]
    pub const fn described_as<E, R, F>(_of: fn(R) -> F, _: Proven<F>, facts: Facts<E>, place: Place) -> Self {
        facts.check();
        Self::described::<E, F>(facts, true, place)
    }

    #[track_caller]
    const fn described<E, F>(facts: Facts<E>, any_bits: bool, place: Place) -> Self {
        let Place { member, start, previous_end } = place;
        let size = size_of::<F>();
        assert!(
            start >= previous_end,
            "the fields do not lie in memory in the order in which they are declared; write `#[repr(C)]` last of all \
             attributes"
        );
        Self {
            member,
            name: Some(member),
            format: facts.format,
            itemsize: facts.itemsize,
            inner: facts.shape,
            any_bits,
            hole: start - previous_end,
            described: size_of::<E>(),
            size,
            align: align_of::<F>(),
            end: start + size,
        }
    }

    /// With another name in Python.
    #[must_use]
    pub const fn renamed(self, name: &'static str) -> Self {
        Self { name: Some(name), ..self }
    }

    /// As padding: bytes that have no name in Python.
    #[must_use]
    pub const fn padding(self) -> Self {
        Self { name: None, ..self }
    }

    /// Where the next field has to start.
    pub const fn end(&self) -> usize {
        self.end
    }
}

/// A type for which bytemuck guarantees that all bytes are initialised, and that every bit pattern is valid.
///
/// # Safety
///
/// These guarantees are true.
#[diagnostic::on_unimplemented(
    message = "`as` cannot describe `{Self}`, whose bytes may be padding, or not be any",
    label = "not `NoUninit` and `AnyBitPattern`, which bytemuck has for such types",
    note = "a crate may implement them where its feature `bytemuck` is on; for a `bool` remove `as`, which makes a record that Python may only read"
)]
// Bytemuck's traits are not its supertraits, because errors would name them.
pub unsafe trait AnyBytes: Sized {
    /// The proof that the type is one. It is a value, for the reason that `Facts` gives.
    const PROVEN: Proven<Self> = Proven(PhantomData);
}

/// Exists only for types that are [`AnyBytes`].
#[derive(Debug, Clone, Copy)]
pub struct Proven<F>(PhantomData<fn(F) -> F>);

// SAFETY: bytemuck's traits guarantee it.
#[diagnostic::do_not_recommend]
unsafe impl<T: NoUninit + AnyBitPattern> AnyBytes for T {}

/// A type that has no bytes, but may be the type of a record's field.
///
/// # Safety
///
/// It has no bytes, and its alignment is 1.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the `PhantomData` of the standard library",
    label = "give this type another name"
)]
pub unsafe trait Marker: sealed::Sealed {}

// SAFETY: the standard library guarantees it.
unsafe impl<T: ?Sized> Marker for PhantomData<T> {}

mod sealed {
    pub trait Sealed {}

    impl<T: ?Sized> Sealed for std::marker::PhantomData<T> {}
}

/// A field that has no bytes.
pub const fn marker<R, F: Marker>(_of: fn(R) -> F) {}

/// How many bytes of padding there are before a field.
pub const fn hole_before<R: Record>(field: usize) -> usize {
    R::FIELDS[field].hole
}

/// How many bytes of padding there are after the last field.
pub const fn hole_at_end<R: Record>() -> usize {
    match R::FIELDS.last() {
        Some(field) => size_of::<R>() - field.end,
        None => size_of::<R>(),
    }
}

/// How many bytes of padding belong between two fields, where the one before `field` is padding.
pub const fn needed_before<R: Record>(field: usize) -> usize {
    needed(R::FIELDS[field - 1].size + R::FIELDS[field].hole, R::FIELDS[field].align)
}

/// How many bytes of padding belong at the end, where the last field is padding.
pub const fn needed_at_end<R: Record>() -> usize {
    needed(R::FIELDS[R::FIELDS.len() - 1].size + hole_at_end::<R>(), align_of::<R>())
}

/// The fewest bytes with the same effect as `padding` bytes.
const fn needed(padding: usize, align: usize) -> usize {
    match padding % align {
        0 => padding,
        rest => rest,
    }
}

/// The size of a field.
pub const fn size_of_field<R: Record>(field: usize) -> usize {
    R::FIELDS[field].size
}

/// The size of the element that Python sees in place of a field.
pub const fn size_of_described<R: Record>(field: usize) -> usize {
    R::FIELDS[field].described
}

/// The size of a record in bytes. Checks that the record has no bytes besides those of its fields, and that each field
/// has as many bytes as the element that Python sees, and at least one.
///
/// # Panics
///
/// At compile time, when there is padding, or when a field has no bytes, too many or too few. For a record without
/// parameters the expansion has checked this already, by [`rules`](crate::rules).
#[track_caller]
pub const fn size<R: Record>() -> usize {
    let mut padding = false;
    let mut fields = R::FIELDS;
    while let Some((field, rest)) = fields.split_first() {
        if field.size == 0 {
            let text = ConstText::<256>::new().with("`").with(field.member);
            let text =
                text.with("` has a size of 0 bytes, which no buffer can describe; remove it, or give its arrays ");
            panic!("{}", text.with("a length above 0").as_str());
        }
        if field.size != field.described {
            let text = ConstText::<256>::new().with("`").with(field.member).with("` has a size of ");
            let text = text.with_number(field.size).with(" bytes, but what `as` names has ");
            panic!("{}", text.with_number(field.described).with("; name an element of the same size").as_str());
        }
        padding |= field.hole > 0;
        fields = rest;
    }
    assert!(!padding && hole_at_end::<R>() == 0, "{}", padding_of::<R>().as_str());
    size_of::<R>()
}

/// What is wrong with a record that has padding, and what to write at each place.
const fn padding_of<R: Record>() -> ConstText<4096> {
    let mut text = ConstText::new().with("padding, which would show Python memory that is not initialised; write ");
    let mut holes = R::FIELDS;
    let mut and = "";
    while let Some((field, rest)) = holes.split_first() {
        if field.hole > 0 {
            text = text.with(and).with("`#[buffer(padding)] _pad: [u8; ").with_number(field.hole).with("]` before `");
            text = text.with(field.member).with("`");
            and = ", ";
        }
        holes = rest;
    }
    match hole_at_end::<R>() {
        0 => text,
        hole => text.with(and).with("`#[buffer(padding)] _pad: [u8; ").with_number(hole).with("]` at the end"),
    }
}

/// Whether every bit pattern is valid in every field.
pub const fn any_bits<R: Record>() -> bool {
    let mut fields = R::FIELDS;
    while let Some((field, rest)) = fields.split_first() {
        if !field.any_bits {
            return false;
        }
        fields = rest;
    }
    true
}

/// The format of a record: `T{=I:id:(2,3)=f:cells:3x}`.
pub const fn format<R: Record>() -> &'static CStr {
    Format::<R>::TEXT
}

/// The size of the scalars in the one field that a transparent record has.
///
/// # Panics
///
/// As [`size`].
#[track_caller]
pub const fn inner_size<R: Record>() -> usize {
    size::<R>();
    R::FIELDS[0].itemsize
}

/// The dimensions of the one field that a transparent record has.
pub const fn inner_shape<R: Record>() -> InnerShape {
    R::FIELDS[0].inner
}

/// The format of the one field that a transparent record has.
pub const fn inner_format<R: Record>() -> &'static CStr {
    R::FIELDS[0].format
}

/// A format, in an array that is not much longer than the text. The array cannot have the exact length: the length of a
/// generic record's format cannot be the length of an array type.
struct Format<R>(PhantomData<R>);

impl<R: Record> Format<R> {
    const WHOLE: ConstText<8192> = text::<R>();
    const SHORT: &'static ConstText<128> = &Self::WHOLE.cut();
    const MEDIUM: &'static ConstText<1024> = &Self::WHOLE.cut();
    const LONG: &'static ConstText<8192> = &Self::WHOLE;

    const TEXT: &'static CStr = match Self::WHOLE.len() {
        0..128 => Self::SHORT.as_c_str(),
        128..1024 => Self::MEDIUM.as_c_str(),
        _ => Self::LONG.as_c_str(),
    };
}

const fn text<R: Record>() -> ConstText<8192> {
    let mut text = ConstText::new().with("T{");
    let mut fields = R::FIELDS;
    while let Some((field, rest)) = fields.split_first() {
        text = match field.name {
            Some(name) => add_named(text, field, name),
            None => text.with_number(field.inner.scalars() * field.itemsize).with("x"),
        };
        fields = rest;
    }
    text.with("}")
}

const fn add_named<const N: usize>(mut text: ConstText<N>, field: &Field, name: &str) -> ConstText<N> {
    let mut before = "(";
    let mut extents = field.inner.extents();
    while let Some((&extent, rest)) = extents.split_first() {
        text = text.with(before).with_number(extent);
        before = ",";
        extents = rest;
    }
    if !field.inner.extents().is_empty() {
        text = text.with(")");
    }
    code::add_member(text, field.format, field.itemsize).with(":").with(name).with(":")
}
