//! Text to tree, in one pass. Every product and every sum is checked. The cost does not depend on how many elements an
//! array has.

use std::collections::HashSet;
use std::ffi::CString;
use std::mem;

use super::code::{self, Mode};
use super::error::{FormatError, Problem};
use super::tree::{Content, Field, Item, Record, Scalar};
use crate::limits::{MAX_DEPTH, MAX_NDIM};
use crate::memory::{self, NoMemory, push};

/// A format's item, its size and its alignment, in bytes.
pub(super) fn parse(text: &str) -> Result<(Item, usize, usize), FormatError> {
    let mut parser = Parser { text, at: 0, mode: Mode::Native, ordered: false, plain: true, deepest: None };
    if let Some(nul) = text.find('\0') {
        return Err(FormatError::nul(text, nul));
    }
    parser.leading_order();
    let (mut record, align) = parser.record()?;
    let size = record.size;
    if is_wrapper(&record)
        && let Some(field) = record.fields.pop()
    {
        return Ok((field.item, size, align));
    }
    match parser.deepest {
        Some(innermost) => Err(FormatError::new(Problem::TooDeep, text, innermost)),
        None => Ok((Item { shape: Vec::new(), content: Content::Record(record) }, size, align)),
    }
}

/// The text as a C string, which ends with a NUL.
pub(super) fn copy(text: &str) -> Result<CString, FormatError> {
    let failure = |problem| FormatError::new(problem, text, 0);
    let bytes = text.bytes().chain([0]);
    let mut copy = Vec::new();
    copy.try_reserve_exact(text.len() + 1).map_err(|_| failure(Problem::OutOfMemory))?;
    copy.extend(bytes);
    CString::from_vec_with_nul(copy).map_err(|_| failure(Problem::Nul))
}

/// Whether a record consists of a single unnamed item, without padding.
fn is_wrapper(record: &Record) -> bool {
    matches!(
        &record.fields[..],
        [Field { name: None, offset: 0, item }] if item.size() == record.size
    )
}

struct Parser<'a> {
    text: &'a str,
    /// In bytes, on a character's boundary.
    at: usize,
    mode: Mode,
    /// Whether an order was read for the next item.
    ordered: bool,
    /// Whether Python's struct module would read all that was read so far.
    plain: bool,
    /// Where a record was opened at the deepest level that is allowed.
    deepest: Option<usize>,
}

/// A record whose fields are still being read.
struct Open<'a> {
    /// Where it was opened; `None` for the implicit record around the whole text.
    opened: Option<usize>,
    fields: Vec<Field>,
    names: HashSet<&'a str>,
    size: usize,
    align: usize,
}

impl Open<'_> {
    fn new(opened: Option<usize>) -> Self {
        Self { opened, fields: Vec::new(), names: HashSet::new(), size: 0, align: 1 }
    }
}

/// The parts of an item that precede its contents, and the code of the contents.
struct Head<'a> {
    start: usize,
    shape: Vec<usize>,
    count: Option<usize>,
    code: &'a str,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn take_while(&mut self, wanted: impl Fn(&u8) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let len = rest.bytes().take_while(wanted).count();
        self.at += len;
        &rest[..len]
    }

    /// White space as C's `isspace` defines it, which the struct module uses.
    fn space(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r'));
    }

    fn fail<T>(&self, problem: Problem) -> Result<T, FormatError> {
        Err(self.failure(problem, self.at))
    }

    fn remembered<T>(&self, kept: Result<T, NoMemory>) -> Result<T, FormatError> {
        kept.or_else(|NoMemory| self.fail(Problem::OutOfMemory))
    }

    fn failure(&self, problem: Problem, position: usize) -> FormatError {
        FormatError::new(problem, self.text, position)
    }

    /// The size, if it fits in an `isize`.
    fn fitting(&self, size: Option<usize>, position: usize) -> Result<usize, FormatError> {
        size.filter(|&size| isize::try_from(size).is_ok()).ok_or_else(|| self.failure(Problem::TooLarge, position))
    }

    /// The order at the very start, which the struct module accepts with or without items after it.
    fn leading_order(&mut self) {
        if let Some(mode) = self.peek().and_then(Mode::of) {
            self.at += 1;
            self.mode = mode;
            self.ordered = true;
            self.plain = mode != Mode::Packed;
        }
    }

    /// An order before an item.
    fn order(&mut self) -> Result<(), FormatError> {
        let Some(mode) = self.peek().and_then(Mode::of) else { return Ok(()) };
        if self.ordered {
            return self.fail(Problem::TwoOrders);
        }
        self.at += 1;
        self.mode = mode;
        self.ordered = true;
        self.plain = false;
        self.space();
        Ok(())
    }

    /// All fields up to the end of the text, with the alignment of those under `@`. The unfinished outer records are on
    /// the heap, so that nesting uses no stack.
    fn record(&mut self) -> Result<(Record, usize), FormatError> {
        let mut outer: Vec<(Open<'a>, Head<'a>)> = Vec::new();
        let mut open = Open::new(None);
        loop {
            self.space();
            let (head, content, align) = match (self.peek(), open.opened) {
                (None, None) => return self.closed(open),
                (None, Some(opened)) => return Err(self.failure(Problem::UnclosedRecord, opened)),
                (Some(b'}'), None) => return self.fail(Problem::UnopenedRecord),
                (Some(b'}'), Some(_)) if !self.ordered => {
                    self.at += 1;
                    let (record, align) = self.closed(open)?;
                    // Not reached: `opened` is `Some`, so there is a record around this one.
                    let Some((around, head)) = outer.pop() else { return Ok((record, align)) };
                    open = around;
                    (head, Content::Record(record), align)
                }
                _ => {
                    let head = self.head()?;
                    if head.code == "T" {
                        let inner = Open::new(Some(self.open(outer.len())?));
                        self.remembered(push(&mut outer, (mem::replace(&mut open, inner), head)))?;
                        continue;
                    }
                    let (content, align) = self.scalar(&head)?;
                    (head, content, align)
                }
            };
            self.field(&mut open, head, content, align)?;
        }
    }

    /// Reads `T{`. Returns its position.
    fn open(&mut self, depth: usize) -> Result<usize, FormatError> {
        let opened = self.at;
        if depth == MAX_DEPTH {
            return self.fail(Problem::TooDeep);
        }
        if depth + 1 == MAX_DEPTH {
            self.deepest = Some(opened);
        }
        self.plain = false;
        self.at += 2;
        Ok(opened)
    }

    /// The finished record with its trailing padding, and its alignment.
    fn closed(&self, open: Open<'a>) -> Result<(Record, usize), FormatError> {
        let Open { opened, fields, mut size, align, .. } = open;
        // The struct module omits the padding after the last item; numpy adds it.
        let padded = opened.is_some() || !self.plain;
        if padded && self.mode == Mode::Native {
            size = self.fitting(size.checked_next_multiple_of(align), self.at)?;
        }
        Ok((Record { fields, size }, align))
    }

    /// Adds an item to a record, with the name that follows it.
    fn field(
        &mut self,
        open: &mut Open<'a>,
        head: Head<'a>,
        content: Content,
        align: usize,
    ) -> Result<(), FormatError> {
        let start = head.start;
        let item = self.item(head, content)?;
        // As in numpy, a nested record is placed by the order that applies at its end, not at its start.
        if self.mode == Mode::Native {
            open.size = self.fitting(open.size.checked_next_multiple_of(align), start)?;
            open.align = open.align.max(align);
        }
        let offset = open.size;
        open.size = self.fitting(open.size.checked_add(item.size()), start)?;
        let name = self.name(&mut open.names)?;
        if name.is_some() || !matches!(item.content, Content::Padding(_)) {
            self.remembered(push(&mut open.fields, Field { name, offset, item }))?;
        }
        Ok(())
    }

    /// The order, shape and count before an item's contents, and their code, which is not consumed yet.
    fn head(&mut self) -> Result<Head<'a>, FormatError> {
        let start = self.at;
        self.order()?;
        let mut shape = Vec::new();
        if self.peek() == Some(b'(') {
            self.plain = false;
            shape = self.shape()?;
            self.space();
            self.order()?;
        }
        let count = self.count()?;
        let code = self.code(count.is_some(), !shape.is_empty())?;
        self.ordered = false;
        Ok(Head { start, shape, count, code })
    }

    /// The contents of an item that is not a record, with their alignment.
    fn scalar(&mut self, head: &Head<'a>) -> Result<(Content, usize), FormatError> {
        let unit = code::unit(head.code, self.mode).map_err(|problem| self.failure(problem, self.at))?;
        self.at += head.code.len();
        self.plain &= code::is_plain(head.code);
        let length = if code::is_string(head.code) { head.count.unwrap_or(1) } else { 1 };
        let size = self.fitting(unit.size.checked_mul(length), head.start)?;
        let content = match unit.kind {
            Some(kind) => Content::Scalar(Scalar::new(kind, unit.size, size, self.mode.byte_order())),
            None => Content::Padding(size),
        };
        Ok((content, unit.align))
    }

    /// An item without its name.
    fn item(&self, head: Head<'a>, content: Content) -> Result<Item, FormatError> {
        let Head { start, mut shape, count, code } = head;
        if let Some(count) = count
            && count != 1
            && !code::is_string(code)
        {
            self.remembered(push(&mut shape, count))?;
        }
        if shape.len() > MAX_NDIM {
            return Err(self.failure(Problem::TooManyDimensions, start));
        }
        // Without the extents of 0, so that a product of only some of the extents cannot overflow either.
        let whole = shape
            .iter()
            .filter(|&&extent| extent != 0)
            .try_fold(content.size().max(1), |product, extent| product.checked_mul(*extent));
        self.fitting(whole, start)?;
        Ok(Item { shape, content })
    }

    /// `(2,3)`
    fn shape(&mut self) -> Result<Vec<usize>, FormatError> {
        let start = self.at;
        let mut shape = Vec::new();
        self.at += 1;
        loop {
            self.space();
            match self.count()? {
                Some(extent) if shape.len() < MAX_NDIM => self.remembered(push(&mut shape, extent))?,
                Some(_) => return Err(self.failure(Problem::TooManyDimensions, start)),
                None => return self.fail(Problem::Shape),
            }
            self.space();
            if self.take(b')') {
                return Ok(shape);
            }
            if !self.take(b',') {
                return self.fail(Problem::Shape);
            }
        }
    }

    /// Digits, if there are any.
    fn count(&mut self) -> Result<Option<usize>, FormatError> {
        let start = self.at;
        let digits = self.take_while(u8::is_ascii_digit);
        if digits.is_empty() {
            return Ok(None);
        }
        self.fitting(digits.parse().ok(), start).map(Some)
    }

    /// The next code, which is not consumed yet.
    fn code(&self, counted: bool, shaped: bool) -> Result<&'a str, FormatError> {
        let rest = &self.text[self.at..];
        let mut characters = rest.chars();
        match characters.next() {
            None | Some('}') if counted => self.fail(Problem::CountWithoutCode),
            None | Some('}') if shaped => self.fail(Problem::ShapeWithoutItem),
            None | Some('}') => self.fail(Problem::OrderWithoutItem),
            Some(' ' | '\t'..='\r') => self.fail(Problem::SpaceAfterCount),
            Some('(') if counted => self.fail(Problem::CountBeforeShape),
            Some(':') => self.fail(Problem::NameWithoutItem),
            Some('T') if characters.next() != Some('{') => self.fail(Problem::RecordWithoutBrace),
            Some('Z') => match characters.next() {
                Some('f' | 'd' | 'g') => Ok(&rest[..2]),
                _ => self.fail(Problem::Complex),
            },
            Some(code) => Ok(&rest[..code.len_utf8()]),
        }
    }

    /// `:name:`, which no earlier field of the record may have.
    fn name(&mut self, names: &mut HashSet<&'a str>) -> Result<Option<Box<str>>, FormatError> {
        let start = self.at;
        if !self.take(b':') {
            return Ok(None);
        }
        self.plain = false;
        let Some(len) = self.text[self.at..].find(':') else {
            return Err(self.failure(Problem::UnclosedName, start));
        };
        let name = &self.text[self.at..][..len];
        self.at += len + 1;
        self.remembered(names.try_reserve(1).map_err(|_| NoMemory))?;
        let copy = self.remembered(memory::text(name))?;
        if names.insert(name) { Ok(Some(copy)) } else { Err(self.failure(Problem::DuplicateName(copy), start)) }
    }
}
