//! Why a string is not a format, where the problem is, and what to write instead.

use std::error::Error;
use std::fmt;

use crate::limits::{MAX_DEPTH, MAX_NDIM};

/// A string is not a PEP 3118 format, or contains something that is refused.
///
/// The message names the problem, the place and the remedy: `unknown code 'y' at byte 2 of "iiy"; ...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatError {
    problem: Problem,
    position: usize,
    /// The text around the position.
    excerpt: Excerpt,
}

impl FormatError {
    pub(super) fn new(problem: Problem, text: &str, position: usize) -> Self {
        Self { problem, position, excerpt: Excerpt::of(text, position) }
    }

    pub(super) fn nul(text: &str, position: usize) -> Self {
        Self::new(Problem::Nul, text, position)
    }

    pub(crate) fn out_of_memory(text: &str) -> Self {
        Self::new(Problem::OutOfMemory, text, 0)
    }

    /// Whether there was no memory to parse the format. `?` turns such an error into Python's `MemoryError`.
    pub fn is_out_of_memory(&self) -> bool {
        self.problem == Problem::OutOfMemory
    }

    /// What the problem is, and where. The remedy is for the author of the format.
    pub(crate) fn place(&self) -> impl fmt::Display + '_ {
        struct Place<'a>(&'a FormatError);

        impl fmt::Display for Place<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let FormatError { problem, position, excerpt } = self.0;
                problem.what(f)?;
                write!(f, " at byte {position} of {excerpt}")
            }
        }

        Place(self)
    }

    /// Where the problem begins, in bytes from the start of the text.
    pub fn position(&self) -> usize {
        self.position
    }
}

/// At most a line of the text. The copy is inline and allocates nothing: an exporter's format may be wrong when there
/// is no memory.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Excerpt {
    bytes: [u8; Self::MOST],
    len: usize,
    /// Whether there is more before it, and after it.
    cut: (bool, bool),
}

impl Excerpt {
    const BEFORE: usize = 24;
    const AFTER: usize = 24;
    /// The excerpt begins up to three bytes earlier, at a character's boundary.
    const MOST: usize = Self::BEFORE + Self::AFTER + 3;

    fn of(text: &str, position: usize) -> Self {
        let boundary = |near: usize| (0..=near).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        let start = boundary(position.saturating_sub(Self::BEFORE));
        let end = boundary(position.saturating_add(Self::AFTER).min(text.len()));
        let shown = &text.as_bytes()[start..end];
        let mut bytes = [0; Self::MOST];
        bytes[..shown.len()].copy_from_slice(shown);
        Self { bytes, len: shown.len(), cut: (start > 0, end < text.len()) }
    }
}

/// In quotes.
impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dots = |cut| if cut { "..." } else { "" };
        // Both ends are character boundaries, so the bytes are always UTF-8.
        let text = str::from_utf8(&self.bytes[..self.len]).unwrap_or_default();
        write!(f, "{}{text:?}{}", dots(self.cut.0), dots(self.cut.1))
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    Nul,
    NotAscii(char),
    UnknownCode(char),
    Object,
    Pointer,
    Function,
    Bits,
    NativeOnly(&'static str),
    LongDouble,
    Complex,
    CountWithoutCode,
    SpaceAfterCount,
    CountBeforeShape,
    ShapeWithoutItem,
    Shape,
    TooManyDimensions,
    OrderWithoutItem,
    TwoOrders,
    NameWithoutItem,
    UnclosedName,
    DuplicateName(Box<str>),
    RecordWithoutBrace,
    UnclosedRecord,
    UnopenedRecord,
    TooDeep,
    TooLarge,
    OutOfMemory,
}

impl Problem {
    /// The problem with a code that stands for no scalar.
    pub(super) fn refused_or_unknown(code: &str) -> Self {
        match code.chars().next() {
            Some('O') => Self::Object,
            Some('&') => Self::Pointer,
            Some('X') => Self::Function,
            Some('t') => Self::Bits,
            Some('Z') => Self::Complex,
            Some(code) if code.is_ascii() => Self::UnknownCode(code),
            Some(other) => Self::NotAscii(other),
            None => Self::OrderWithoutItem,
        }
    }

    /// The first part of the message: what the problem is.
    fn what(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nul => f.write_str("a NUL"),
            Self::NotAscii(other) => write!(f, "a character that is not ASCII, {other:?},"),
            Self::UnknownCode(code) => write!(f, "unknown code {code:?}"),
            Self::Object => f.write_str("refused code 'O' (a Python object)"),
            Self::Pointer => f.write_str("refused code '&' (a typed pointer)"),
            Self::Function => f.write_str("refused code 'X' (a function pointer)"),
            Self::Bits => f.write_str("refused code 't' (bits)"),
            Self::NativeOnly(code) => write!(f, "code '{code}', which has no standard size,"),
            Self::LongDouble => f.write_str("a long double, whose size on this platform is not known,"),
            Self::Complex => f.write_str("a 'Z' without the code of its parts"),
            Self::CountWithoutCode => f.write_str("a count without an item"),
            Self::SpaceAfterCount => f.write_str("white space after a count"),
            Self::CountBeforeShape => f.write_str("a count before a shape"),
            Self::ShapeWithoutItem => f.write_str("a shape without an item"),
            Self::Shape => f.write_str("a shape that is not a list of numbers"),
            Self::TooManyDimensions => write!(f, "an array of more than {MAX_NDIM} dimensions"),
            Self::OrderWithoutItem => f.write_str("a byte order without an item"),
            Self::TwoOrders => f.write_str("a second byte order for one item"),
            Self::NameWithoutItem => f.write_str("a name without an item"),
            Self::UnclosedName => f.write_str("a name that does not end"),
            Self::DuplicateName(name) => write!(f, "a second field named {name:?}"),
            Self::RecordWithoutBrace => f.write_str("a 'T' without '{'"),
            Self::UnclosedRecord => f.write_str("a record that is not closed"),
            Self::UnopenedRecord => f.write_str("a '}' that closes no record"),
            Self::TooDeep => write!(f, "records nested more than {MAX_DEPTH} levels deep"),
            Self::TooLarge => f.write_str("an item of more bytes than memory can have"),
            Self::OutOfMemory => f.write_str("no memory to parse it"),
        }
    }

    /// The last part of the message: how to correct it.
    fn remedy(&self) -> &'static str {
        match self {
            Self::Nul => "remove it; a format ends where its text ends",
            Self::NotAscii(_) => "only the names of fields may contain such characters",
            Self::UnknownCode(_) => {
                "use the codes of Python's struct module, or `Zf`, `Zd`, `g`, `Zg`, `w`, `u`, `T{...}`"
            }
            Self::Object => {
                "consumers would take any bytes for the addresses of objects; for numbers that happen to be addresses \
                 write `P`"
            }
            Self::Pointer | Self::Function => {
                "consumers would follow any bytes as an address; write `P` for a bare one"
            }
            Self::Bits => "no consumer reads bits; write the integer that holds them, such as `B`",
            Self::NativeOnly(_) => "put `@` or `^` before it, or write a code that has one, such as `q` or `d`",
            Self::LongDouble => "write `d`, or bytes such as `16s`",
            Self::Complex => "write `Zf`, `Zd` or `Zg`",
            Self::CountWithoutCode | Self::ShapeWithoutItem | Self::OrderWithoutItem => {
                "put the code of an item after it, or remove it"
            }
            Self::SpaceAfterCount => "put the count right before its code",
            Self::CountBeforeShape => "put the count into the shape: `(2,3)i`",
            Self::Shape => "write the extents between commas: `(2,3)i`",
            Self::TooManyDimensions => "nest records, or merge dimensions",
            Self::TwoOrders => "remove one of them",
            Self::NameWithoutItem => "put the name after its item: `i:name:`",
            Self::UnclosedName => "put a name between two colons: `i:name:`",
            Self::DuplicateName(_) => "give each field of a record its own name",
            Self::RecordWithoutBrace => "write a record as `T{...}`",
            Self::UnclosedRecord => "put '}' after its last field",
            Self::UnopenedRecord => "remove it, or open the record with `T{`",
            Self::TooDeep => "flatten them",
            Self::TooLarge => "use smaller counts",
            Self::OutOfMemory => "try again when there is more",
        }
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.place(), self.problem.remedy())
    }
}

impl Error for FormatError {}
