//! The formats that an element may have, and the sizes that they describe: evaluated at compile time.
//!
//! ```text
//! element = [order] [count] code | record           4s  >I  Zd
//! record  = "T{" { field } "}"
//! field   = ["(" extents ")"] member [":" name ":"]
//! member  = order [count] code | [count] "x" | record
//! order   = "=" | "<" | ">"
//! ```
//!
//! Inside a record every code has a byte order. So sizes are the same on every platform, nothing is aligned, and a
//! record means the same wherever it is nested. The format has no padding, and neither has a Rust record that is an
//! element. The codes that would make Python follow a pointer (`P`, `O`, `&`) are refused.

use std::ffi::{CStr, c_long};

use super::const_text::ConstText;

/// The number of bytes that an element's format describes.
///
/// # Panics
///
/// At compile time, when an element may not have this format.
pub(super) const fn size(format: &CStr) -> usize {
    let mut cursor = Cursor { rest: format.to_bytes() };
    let size = if cursor.take(b'T') {
        cursor.record()
    } else {
        let standard = cursor.order();
        cursor.scalar(standard)
    };
    expect(cursor.rest.is_empty());
    size
}

/// Appends an element's format as that of a field, with a byte order added if it has none.
pub(super) const fn add_member<const N: usize>(text: ConstText<N>, format: &CStr, itemsize: usize) -> ConstText<N> {
    let bytes = format.to_bytes();
    match bytes.first() {
        Some(b'T' | b'=' | b'<' | b'>') => text.with_bytes(bytes),
        // C's `long` has 32 bits where sizes are standard.
        Some(b'l') if itemsize == 8 => text.with("=q"),
        Some(b'L') if itemsize == 8 => text.with("=Q"),
        _ => text.with("=").with_bytes(bytes),
    }
}

const fn expect(as_expected: bool) {
    assert!(
        as_expected,
        "the element's `FORMAT` must be one code, as in `f`, `>I`, `4s` or `Zd`, or a record of codes that each have a \
         byte order, as in `T{{=I:id:=f:charge:}}`"
    );
}

/// The part of a format that is still to be read.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl Cursor<'_> {
    /// The next byte.
    const fn next(&mut self) -> Option<u8> {
        let Some((&byte, rest)) = self.rest.split_first() else { return None };
        self.rest = rest;
        Some(byte)
    }

    /// Reads a byte if it is the next one.
    const fn take(&mut self, byte: u8) -> bool {
        let found = matches!(self.rest.first(), Some(&next) if next == byte);
        if found {
            self.next();
        }
        found
    }

    /// Reads a byte order if there is one, and returns whether there was: a byte order makes sizes standard.
    const fn order(&mut self) -> bool {
        self.take(b'=') || self.take(b'<') || self.take(b'>')
    }

    const fn number(&mut self) -> Option<usize> {
        let mut number = None;
        while let Some(&digit) = self.rest.first()
            && digit.is_ascii_digit()
        {
            self.next();
            number = Some(match number {
                Some(tens) => 10 * tens + (digit - b'0') as usize,
                None => (digit - b'0') as usize,
            });
        }
        number
    }

    /// Reads the part of a record after its `T`, and returns the size of the record.
    const fn record(&mut self) -> usize {
        expect(self.take(b'{'));
        let mut size = 0;
        while !self.take(b'}') {
            size += self.field();
        }
        size
    }

    const fn field(&mut self) -> usize {
        let mut items = 1;
        if self.take(b'(') {
            loop {
                match self.number() {
                    Some(extent) => items *= extent,
                    None => expect(false),
                }
                if self.take(b')') {
                    break;
                }
                expect(self.take(b','));
            }
        }
        let itemsize = if self.take(b'T') {
            self.record()
        } else if self.order() {
            self.scalar(true)
        } else {
            let bytes = self.number();
            expect(self.take(b'x'));
            match bytes {
                Some(bytes) => bytes,
                None => 1,
            }
        };
        if self.take(b':') {
            let mut name = self.next();
            expect(!matches!(name, Some(b':')));
            while !matches!(name, Some(b':')) {
                expect(name.is_some());
                name = self.next();
            }
        }
        items * itemsize
    }

    const fn scalar(&mut self, standard: bool) -> usize {
        if let Some(bytes) = self.number() {
            expect(self.take(b's'));
            return bytes;
        }
        let code = self.next();
        match code {
            Some(b'?' | b'c' | b'b' | b'B') => 1,
            Some(b'h' | b'H' | b'e') => 2,
            Some(b'i' | b'I' | b'f') => 4,
            Some(b'l' | b'L') if standard => 4,
            Some(b'l' | b'L') => size_of::<c_long>(),
            Some(b'q' | b'Q' | b'd') => 8,
            Some(b'Z') if self.take(b'f') => 8,
            Some(b'Z') if self.take(b'd') => 16,
            _ => {
                expect(false);
                0
            }
        }
    }
}
