//! Records: what `#[derive(BufferElement)]` declares about a struct, and what is proven about it at compile time.
//!
//! The derive never writes the type of a field a second time: a macro in that type could expand to another type there.
//! Instead it passes functions that take the struct and return the field. They are never called; from them the compiler
//! infers the type of the field. The derive also takes the offset of the field from the compiler. So the proof is about
//! the struct as it is, even if other macros rewrite the struct before or after the derive.

use std::ffi::CStr;
use std::marker::PhantomData;

use bytemuck::{AnyBitPattern, NoUninit};

use super::const_text::ConstText;
use super::{Element, code};
use crate::layout::InnerShape;

/// A struct with a description of every field.
///
/// # Safety
///
/// `FIELDS` are all fields of the struct except those of type `PhantomData`, in the order in which they lie in memory.
/// Each is made with the function that returns the field, and with the place of the field.
pub unsafe trait Record: 'static {
    /// Its fields in the order in which they lie in memory; at least one, and the last one ends where the struct ends.
    /// ([`size`] panics otherwise.)
    const FIELDS: &'static [Field];
}

/// A field of a record: initialised bytes, directly after those of the field before.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name in Python; `None` where Python sees padding.
    name: Option<&'static str>,
    format: &'static CStr,
    itemsize: usize,
    inner: InnerShape,
    any_bits: bool,
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
    /// At compile time, when the field lies before the previous one, when there is padding between them, or when it has
    /// no bytes.
    #[track_caller]
    pub const fn new<R, F: Element>(_of: fn(R) -> F, place: Place) -> Self {
        Self {
            name: Some(place.member),
            format: F::FORMAT,
            itemsize: F::ITEMSIZE,
            inner: F::SHAPE,
            any_bits: F::ANY_BITS,
            end: place.end(size_of::<F>()),
        }
    }

    /// A field whose type has bytemuck's guarantees, and which Python sees as an element of the same size.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new); and when the sizes differ.
    #[track_caller]
    pub const fn described_as<E: Element, R, F: AnyBytes>(_of: fn(R) -> F, place: Place) -> Self {
        super::check::<E>();
        if size_of::<F>() != size_of::<E>() {
            let text = ConstText::<256>::new().with("`").with(place.member).with("` has a size of ");
            let text = text.with_number(size_of::<F>()).with(" bytes, but what `as` names has ");
            panic!("{}", text.with_number(size_of::<E>()).with("; name an element of the same size").as_str());
        }
        Self {
            name: Some(place.member),
            format: E::FORMAT,
            itemsize: E::ITEMSIZE,
            inner: E::SHAPE,
            any_bits: true,
            end: place.end(size_of::<F>()),
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

impl Place {
    #[track_caller]
    const fn end(self, size: usize) -> usize {
        let Self { member, start, previous_end } = self;
        if size == 0 {
            let text =
                ConstText::<256>::new().with("`").with(member).with("` has a size of 0 bytes, which no buffer can ");
            panic!("{}", text.with("describe; remove it, or give its arrays a length above 0").as_str());
        }
        assert!(
            start >= previous_end,
            "the fields do not lie in memory in the order in which they are declared; write `#[repr(C)]` last of all \
             attributes"
        );
        if start > previous_end {
            let missing = start - previous_end;
            let text = ConstText::<256>::new().with_number(missing).with(bytes_of(missing)).with("padding before `");
            let text = text.with(member).with("`, which would leak to Python; add a field `_pad: [u8; ");
            panic!("{}", text.with_number(missing).with("]` there, or reorder the fields").as_str());
        }
        start + size
    }
}

const fn bytes_of(count: usize) -> &'static str {
    if count == 1 { " byte of " } else { " bytes of " }
}

/// A type of which bytemuck guarantees that all bytes are initialised, and that every bit pattern is valid.
///
/// # Safety
///
/// These guarantees are true.
#[diagnostic::on_unimplemented(
    message = "`as` cannot describe `{Self}`, whose bytes may be padding, or not be any",
    label = "not `NoUninit` and `AnyBitPattern`, which bytemuck has for such types",
    note = "a crate may implement them where its feature `bytemuck` is on; for a `bool` remove `as`, which makes a record that Python may only read"
)]
pub unsafe trait AnyBytes: NoUninit + AnyBitPattern {}

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

/// The size of a record in bytes, after a check that it has no bytes besides those of its fields.
///
/// # Panics
///
/// At compile time, when there is no field, or padding after the last one.
#[track_caller]
pub const fn size<R: Record>() -> usize {
    let end = match R::FIELDS.last() {
        Some(field) => field.end,
        None => panic!("a record needs a field"),
    };
    if end != size_of::<R>() {
        let missing = size_of::<R>() - end;
        let text =
            ConstText::<256>::new().with_number(missing).with(bytes_of(missing)).with("padding at the end of the ");
        let text = text.with("record, which would leak to Python; add a last field `_pad: [u8; ");
        panic!("{}", text.with_number(missing).with("]`").as_str());
    }
    end
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

/// A format, in an array not much longer than the text. It cannot have the exact length: the length of a generic
/// record's format cannot be the length of an array type.
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
