//! Tree to text: one text for each tree.
//!
//! Where all items are where `@` would align them, the codes stand bare, with the padding written out. Otherwise nothing
//! is aligned, and orders stand before the items that need another one than the item before.

use std::fmt::{self, Display};

use super::Format;
use super::code::Canonical;
use super::tree::{ByteOrder, Content, Item, Record, Scalar};

impl Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let packed = if native_alignment(&self.item).is_some() { None } else { first_order(&self.item) };
        Printer { f, packed, order: '@' }.item(&self.item)
    }
}

/// The alignment that `@` gives an item, in bytes, if it would put every scalar where it is.
fn native_alignment(item: &Item) -> Option<usize> {
    match &item.content {
        Content::Scalar(scalar) => {
            let native = scalar.order().is_none_or(|order| order == ByteOrder::NATIVE);
            native.then(|| Canonical::of(*scalar).alignment())
        }
        Content::Padding(_) => Some(1),
        Content::Record(record) => {
            let align = record.fields.iter().try_fold(1, |align: usize, field| {
                let own = native_alignment(&field.item)?;
                field.offset.is_multiple_of(own).then(|| align.max(own))
            })?;
            record.size.is_multiple_of(align).then_some(align)
        }
    }
}

/// The order that the first scalar asks for which has any.
fn first_order(item: &Item) -> Option<char> {
    match &item.content {
        Content::Scalar(scalar) => wanted_orders(*scalar).first().copied(),
        Content::Padding(_) => None,
        Content::Record(record) => record.fields.iter().find_map(|field| first_order(&field.item)),
    }
}

/// The orders under which a scalar's code reads as it, without alignment, the best first; none where all do.
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
    /// The order that holds.
    order: char,
}

impl Printer<'_, '_> {
    fn item(&mut self, item: &Item) -> fmt::Result {
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
            Content::Record(record) => {
                self.shape(&item.shape, &[], true)?;
                self.record(record)
            }
        }
    }

    /// An array's shape, as a count where that is enough; with the order, for which numpy looks between shape and count.
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
            // `@` would align what is in a record.
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

    fn record(&mut self, record: &Record) -> fmt::Result {
        self.f.write_str("T{")?;
        let mut end = 0;
        for field in &record.fields {
            self.gap(end, field.offset)?;
            self.item(&field.item)?;
            if let Some(name) = &field.name {
                write!(self.f, ":{name}:")?;
            }
            end = field.offset + field.item.size();
        }
        self.gap(end, record.size)?;
        self.f.write_str("}")
    }

    fn gap(&mut self, from: usize, to: usize) -> fmt::Result {
        match to - from {
            0 => Ok(()),
            bytes => self.counted(bytes, "x"),
        }
    }
}
