//! What a format describes: items, at offsets that already account for alignment and padding.
//!
//! Two trees are equal when they describe the same bytes in the same way, names included. A tree does not record the
//! text that it was parsed from.

use std::slice;

/// What a scalar's bytes stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScalarKind {
    /// `?`: false where all bits are 0.
    Bool,
    /// A signed integer in two's complement: `b h i l q n`.
    Signed,
    /// An unsigned integer: `B H I L Q N`.
    Unsigned,
    /// A floating-point number: `e f d g`.
    Float,
    /// Two floating-point numbers, real and imaginary: `Zf Zd Zg F D`.
    Complex,
    /// A byte string of fixed length: `c s`.
    Bytes,
    /// A byte string whose first byte is the number of bytes used: `p`.
    Pascal,
    /// A string of fixed length of 2-byte characters: `u`.
    Ucs2,
    /// A string of fixed length of 4-byte characters: `w`.
    Ucs4,
    /// An address: `P`.
    Pointer,
}

/// Which byte of a number comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// The least significant.
    Little,
    /// The most significant.
    Big,
}

impl ByteOrder {
    /// This machine's.
    pub const NATIVE: Self = if cfg!(target_endian = "big") { Self::Big } else { Self::Little };
}

/// A number, a character string, or whatever else is not made of smaller items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scalar {
    kind: ScalarKind,
    size: usize,
    order: Option<ByteOrder>,
}

impl Scalar {
    /// `unit` is the size of the part that has a byte order: one number or one character of a string.
    pub(super) fn new(kind: ScalarKind, unit: usize, size: usize, order: ByteOrder) -> Self {
        Self { kind, size, order: (unit > 1).then_some(order) }
    }

    /// What the bytes stand for.
    pub fn kind(self) -> ScalarKind {
        self.kind
    }

    /// The size in bytes, of the whole string or the whole complex number.
    pub fn size(self) -> usize {
        self.size
    }

    /// The order of the bytes; `None` if a number or a character has only one byte.
    pub fn order(self) -> Option<ByteOrder> {
        self.order
    }
}

/// An element, or an array of them.
#[derive(Debug, Clone, Eq)]
pub struct Item {
    pub(super) shape: Vec<usize>,
    pub(super) content: Content,
}

/// What one element of an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A scalar.
    Scalar(Scalar),
    /// A record.
    Record(Record),
    /// A number of bytes of padding, in a field that has a name.
    Padding(usize),
}

impl Content {
    /// Its size in bytes.
    pub fn size(&self) -> usize {
        match self {
            Self::Scalar(scalar) => scalar.size,
            Self::Record(record) => record.size,
            Self::Padding(size) => *size,
        }
    }
}

impl Item {
    /// The extents of an array in C order, outermost first; empty if the item is not an array.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// What each element is.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// The size of all elements in bytes.
    pub fn size(&self) -> usize {
        // The parser has checked that no partial product overflows.
        self.shape.iter().product::<usize>() * self.content.size()
    }

    #[inline]
    pub(super) fn same_names(&self, other: &Self) -> bool {
        let same = |mine: &Self, theirs: &Self| match (&mine.content, &theirs.content) {
            (Content::Record(mine), Content::Record(theirs)) => {
                mine.fields.iter().map(Field::name).eq(theirs.fields.iter().map(Field::name))
            }
            (Content::Record(_), _) | (_, Content::Record(_)) => false,
            _ => true,
        };
        self.matches(other, same)
    }

    /// All items of the tree, each before those inside it.
    pub(super) fn walk(&self) -> Walk<'_> {
        Walk { root: Some(self), entered: Vec::new() }
    }

    /// Whether all pairs of items are alike. Two items that are `alike` must contain the same number of items.
    #[inline]
    fn matches(&self, other: &Self, alike: impl Fn(&Self, &Self) -> bool) -> bool {
        self.walk().zip(other.walk()).all(|(mine, theirs)| alike(mine, theirs))
    }
}

/// The result of a derived `==`, but without recursion, so that nested records use no stack.
impl PartialEq for Item {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        let alike = |mine: &Self, theirs: &Self| {
            mine.shape == theirs.shape
                && match (&mine.content, &theirs.content) {
                    (Content::Scalar(mine), Content::Scalar(theirs)) => mine == theirs,
                    (Content::Padding(mine), Content::Padding(theirs)) => mine == theirs,
                    (Content::Record(mine), Content::Record(theirs)) => {
                        mine.size == theirs.size
                            && mine.fields.iter().map(Field::place).eq(theirs.fields.iter().map(Field::place))
                    }
                    _ => false,
                }
        };
        self.matches(other, alike)
    }
}

/// The iterator that [`Item::walk`] returns.
pub(super) struct Walk<'a> {
    root: Option<&'a Item>,
    entered: Vec<slice::Iter<'a, Field>>,
}

impl<'a> Iterator for Walk<'a> {
    type Item = &'a Item;

    #[inline]
    fn next(&mut self) -> Option<&'a Item> {
        let item = match self.root.take() {
            Some(root) => root,
            None => loop {
                match self.entered.last_mut()?.next() {
                    Some(field) => break &field.item,
                    None => drop(self.entered.pop()),
                }
            },
        };
        if let Content::Record(record) = &item.content {
            self.entered.push(record.fields.iter());
        }
        Some(item)
    }
}

/// Fields one after the other, with gaps between them or after the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub(super) fields: Vec<Field>,
    pub(super) size: usize,
}

impl Record {
    /// The fields in the order of their offsets; padding without a name is not a field.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The size in bytes, gaps included.
    pub fn size(&self) -> usize {
        self.size
    }
}

/// An item of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub(super) name: Option<Box<str>>,
    pub(super) offset: usize,
    pub(super) item: Item,
}

impl Field {
    /// The name, which no other field of the record has.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn place(&self) -> (usize, Option<&str>) {
        (self.offset, self.name())
    }

    /// Where the field begins, in bytes from the start of the record.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The contents of the field.
    pub fn item(&self) -> &Item {
        &self.item
    }
}
