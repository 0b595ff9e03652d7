//! Tree to text: one text for each tree.
//!
//! If every item is where `@` would align it, the codes are printed without orders, with explicit padding. Otherwise
//! the text uses only orders without alignment, and an item that needs another order than the item before is preceded
//! by that order.

use std::fmt::{self, Display};

use super::Format;
use super::code::Canonical;
use super::tree::{ByteOrder, Content, Item, Record, Scalar};

impl Display for Format {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let packed = if is_native(&self.item) { None } else { first_order(&self.item) };
        Printer { f, packed, order: '@' }.item(&self.item)
    }
}

/// Whether `@` would place every scalar of an item at the offset that it has.
fn is_native(item: &Item) -> bool {
    /// A record some of whose fields are not visited yet, with the alignment of the visited ones.
    struct Entered<'a> {
        record: &'a Record,
        next: usize,
        align: usize,
    }

    let mut entered: Vec<Entered<'_>> = Vec::new();
    let mut item = item;
    loop {
        let mut align = match &item.content {
            Content::Scalar(scalar) => {
                if scalar.order().is_some_and(|order| order != ByteOrder::NATIVE) {
                    return false;
                }
                Canonical::of(*scalar).alignment()
            }
            Content::Padding(_) => 1,
            Content::Record(record) => {
                entered.push(Entered { record, next: 0, align: 1 });
                1
            }
        };
        // A record that has just been entered has no finished field yet.
        let mut finished = !matches!(item.content, Content::Record(_));
        item = loop {
            let Some(around) = entered.last_mut() else { return true };
            if finished {
                if !around.record.fields[around.next - 1].offset.is_multiple_of(align) {
                    return false;
                }
                around.align = around.align.max(align);
            }
            if let Some(field) = around.record.fields.get(around.next) {
                around.next += 1;
                break &field.item;
            }
            align = around.align;
            if !around.record.size.is_multiple_of(align) {
                return false;
            }
            finished = true;
            entered.pop();
        };
    }
}

/// The order that the first scalar with a byte order needs.
fn first_order(item: &Item) -> Option<char> {
    item.walk().find_map(|item| match &item.content {
        Content::Scalar(scalar) => wanted_orders(*scalar).first().copied(),
        Content::Padding(_) | Content::Record(_) => None,
    })
}

/// The orders without alignment under which a scalar's code means this scalar, the best first; empty if any order does.
fn wanted_orders(scalar: Scalar) -> &'static [char] {
    match scalar.order() {
        None => &[],
        Some(_) if !Canonical::of(scalar).standard => &['^'],
        Some(ByteOrder::Little) if ByteOrder::NATIVE == ByteOrder::Little => &['<', '^'],
        Some(ByteOrder::Little) => &['<'],
        Some(ByteOrder::Big) if ByteOrder::NATIVE == ByteOrder::Big => &['>', '^'],
        Some(ByteOrder::Big) => &['>'],
    }
}

struct Printer<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    /// The first order to print, unless `@` suits all items.
    packed: Option<char>,
    /// The order that applies at this place.
    order: char,
}

/// A record some of whose fields are not printed yet.
struct Begun<'a> {
    record: &'a Record,
    next: usize,
    /// Where the last field ends.
    end: usize,
}

impl Printer<'_, '_> {
    fn item(&mut self, item: &Item) -> fmt::Result {
        let mut begun: Vec<Begun<'_>> = Vec::new();
        let mut item = item;
        loop {
            self.begin(item)?;
            let mut finished = match &item.content {
                Content::Record(record) => {
                    begun.push(Begun { record, next: 0, end: 0 });
                    false
                }
                Content::Scalar(_) | Content::Padding(_) => true,
            };
            item = loop {
                let Some(around) = begun.last_mut() else { return Ok(()) };
                if finished {
                    let field = &around.record.fields[around.next - 1];
                    if let Some(name) = &field.name {
                        write!(self.f, ":{name}:")?;
                    }
                    around.end = field.offset + field.item.size();
                }
                if let Some(field) = around.record.fields.get(around.next) {
                    around.next += 1;
                    self.gap(around.end, field.offset)?;
                    break &field.item;
                }
                self.gap(around.end, around.record.size)?;
                self.f.write_str("}")?;
                finished = true;
                begun.pop();
            };
        }
    }

    /// Prints all of a scalar or padding, or the beginning of a record.
    fn begin(&mut self, item: &Item) -> fmt::Result {
        match &item.content {
            Content::Scalar(scalar) => {
                let Canonical { length, code, .. } = Canonical::of(*scalar);
                self.shape(&item.shape, wanted_orders(*scalar), length.is_none())?;
                self.counted(length.unwrap_or(1), code)
            }
            Content::Padding(size) => {
                self.shape(&item.shape, &[], false)?;
                self.counted(*size, "x")
            }
            Content::Record(_) => {
                self.shape(&item.shape, &[], true)?;
                self.f.write_str("T{")
            }
        }
    }

    /// Prints an array's shape, as a count if that is enough. Prints the order too, because numpy expects it between
    /// the shape and the count.
    fn shape(&mut self, shape: &[usize], wanted: &[char], as_count: bool) -> fmt::Result {
        match shape {
            [] => self.order(wanted),
            &[extent] if as_count && extent != 1 => {
                self.order(wanted)?;
                write!(self.f, "{extent}")
            }
            [first, others @ ..] => {
                write!(self.f, "({first}")?;
                others.iter().try_for_each(|extent| write!(self.f, ",{extent}"))?;
                self.f.write_str(")")?;
                self.order(wanted)
            }
        }
    }

    fn order(&mut self, wanted: &[char]) -> fmt::Result {
        let Some(packed) = self.packed else { return Ok(()) };
        let best = match wanted {
            _ if wanted.contains(&self.order) => return Ok(()),
            [best, ..] => *best,
            // `@` would align the fields of a record.
            [] if self.order == '@' => packed,
            [] => return Ok(()),
        };
        self.order = best;
        write!(self.f, "{best}")
    }

    fn counted(&mut self, count: usize, code: &str) -> fmt::Result {
        match count {
            1 => self.f.write_str(code),
            _ => write!(self.f, "{count}{code}"),
        }
    }

    fn gap(&mut self, from: usize, to: usize) -> fmt::Result {
        match to - from {
            0 => Ok(()),
            bytes => self.counted(bytes, "x"),
        }
    }
}
