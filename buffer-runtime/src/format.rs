//! PEP 3118 format strings, which describe one item of a buffer.
//!
//! [`Format::parse`] reads a string into a tree of [`Item`]s, in which alignment and padding have become offsets.
//! An exporter whose items are known only at run time needs the format's [size](Format::itemsize). A consumer compares
//! the format that an exporter declares with the one that it expects, by [`same_layout`](Format::same_layout).
//!
//! # Syntax
//!
//! | text | meaning |
//! |------|---------|
//! | `c b B ? h H i I l L q Q n N e f d s p P` | as in Python's `struct` module |
//! | `F D`, `Zf Zd` | complex numbers, as in the `struct` module since Python 3.14, and since 3.15 |
//! | `g`, `Zg` | C's `long double`, and a complex number of two |
//! | `w u` | a character of 4 bytes (UCS-4) or of 2 (UCS-2); `3w` is a string of 3 |
//! | `x` | a byte of padding, which is not a scalar |
//! | `T{...}` | a record |
//! | `3i`, `(2,3)i`, `(2)3i` | arrays of shape (3), (2, 3) and (2, 3); `3s`, `3p`, `3w`, `3u` are one string each |
//! | `i:name:` | a field's name: any UTF-8 without `:` and NUL |
//! | `@` | native sizes and alignment; the default at the start of a format |
//! | `^` | native sizes, no alignment |
//! | `= < > ! ` | standard sizes, no alignment; the byte order is native, little, big and big again |
//!
//! An order applies until the next one, across the braces of records. White space may stand before an item, after an
//! order, and in a shape. Codes of items that a consumer must follow as pointers are refused: `O`, `&`, `X{}`. Bit
//! fields (`t`) are refused too.
//!
//! # Compatibility with `struct` and numpy
//!
//! A format that the `struct` module of Python 3.15 can read has the size that `struct.calcsize` returns, whichever
//! Python runs. Under `@` that size excludes the padding after the last item: `ib` has 5 bytes, as many as
//! `struct.pack` returns; numpy reads 8, and warns. Every other format has the size and the offsets that numpy reads,
//! with that padding: `T{ib}` and `i:a:b:b:` have 8 bytes.
//!
//! This parser reads some strings that `struct` or numpy refuses. `struct` refuses an order anywhere but at the very
//! start, and all items for which it has no code. numpy refuses white space, an order before a shape, arrays of arrays
//! without bytes, and the codes `n N P p u F D`. Conversely, numpy accepts a record that is not closed, or closed
//! twice; here that is an error.

mod code;
mod error;
mod leaves;
mod parse;
mod print;
mod short;
mod tree;

use std::ffi::{CStr, CString};
use std::str::FromStr;

pub use self::error::FormatError;
pub use self::leaves::{Axis, Leaf, Leaves};
pub(crate) use self::short::Short;
pub use self::tree::{ByteOrder, Content, Field, Item, Record, Scalar, ScalarKind};

/// A PEP 3118 format string, parsed.
///
/// It keeps the text that it was parsed from, since an exporter must pass exactly that string to its consumers.
/// `Display` prints a canonical text instead: all formats with the same tree print the same text, which parses to the
/// same tree.
///
/// There is no `==`: [`same_layout`](Self::same_layout) compares memory, [`same_names`](Self::same_names) compares
/// names, `==` on the [`item`](Self::item)s compares both, and `==` on [`as_str`](Self::as_str) compares the text.
///
/// ```
/// use buffer_runtime::Format;
///
/// let point: Format = "T{d:x:d:y:i:tag:}".parse()?;
/// assert_eq!(point.itemsize(), 24);
/// assert_eq!(point.to_string(), "T{d:x:d:y:i:tag:4x}");
/// # Ok::<(), buffer_runtime::FormatError>(())
/// ```
#[derive(Debug)]
pub struct Format {
    text: CString,
    item: Item,
    /// In bytes; at most `isize::MAX`.
    itemsize: usize,
    /// In bytes; a power of two.
    alignment: usize,
}

impl Format {
    /// Reads a format string; the [module](crate::format) has the syntax.
    ///
    /// A format may describe 0 bytes, as it may for `struct.calcsize`. A buffer cannot have such items, so exporters
    /// check [`itemsize`](Self::itemsize) first.
    ///
    /// # Errors
    ///
    /// When the text is not a format, has a code that is refused, gives two fields of a record the same name, nests
    /// records deeper than 64 levels, gives an array more than 64 dimensions, or describes more than `isize::MAX`
    /// bytes; and when there is no memory for the result.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let (item, itemsize, alignment) = parse::parse(text)?;
        Ok(Self { text: parse::copy(text)?, item, itemsize, alignment })
    }

    /// The size of an item in bytes, padding included; at most `isize::MAX`, and 0 for an empty item.
    pub fn itemsize(&self) -> usize {
        self.itemsize
    }

    /// The alignment in bytes that the items under `@` need on this platform: a power of two, and 1 if there are no
    /// such items. An item's address need not be a multiple of it.
    pub fn alignment(&self) -> usize {
        self.alignment
    }

    /// The text as it was given.
    pub fn as_c_str(&self) -> &CStr {
        &self.text
    }

    /// The text as it was given.
    #[expect(clippy::missing_panics_doc, reason = "it was made from a `str`")]
    pub fn as_str(&self) -> &str {
        self.text.to_str().expect("it was made from a `str`")
    }

    /// The tree. If the whole format is one item without a name, the tree is that item. Otherwise the items at the top
    /// level are the fields of a record: `T{i:a:}` and `i:a:` are the same tree.
    pub fn item(&self) -> &Item {
        &self.item
    }

    /// The scalars in the order of their offsets, one leaf for each scalar that is written in the text: an array is one
    /// leaf with axes, however many items it has. Padding and empty arrays have no leaf.
    pub fn leaves(&self) -> Leaves<'_> {
        Leaves::of(&self.item)
    }

    /// Whether both describe the same bytes: the same [`itemsize`](Self::itemsize), and scalars of the same kind, size
    /// and byte order at the same offsets, in arrays of the same shape. Names, padding, alignment and the nesting of
    /// records do not matter.
    ///
    /// So `i` is `<i` on a little-endian machine and never `>i`; `l` is `q` where C's `long` has 64 bits;
    /// `T{i:a:d:b:}` is `T{i:x:4xd:y:}`; but `3i`, an array, is not `iii`.
    #[inline]
    pub fn same_layout(&self, other: &Self) -> bool {
        self.itemsize == other.itemsize && self.leaves().eq(other.leaves())
    }

    /// Whether the fields of both have the same names in the same order, in nested records too. The contents of the
    /// fields do not matter, except that a record matches only a record.
    #[inline]
    pub fn same_names(&self, other: &Self) -> bool {
        self.item.same_names(&other.item)
    }
}

/// Parses the text again: copying the tree would recurse into nested records, and use stack for each level.
impl Clone for Format {
    #[inline]
    fn clone(&self) -> Self {
        Self::parse(self.as_str()).expect("it was read before")
    }
}

/// The text, so that a declaration may say `format = self.format`.
impl AsRef<str> for Format {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests;
