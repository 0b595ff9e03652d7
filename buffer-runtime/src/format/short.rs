//! Formats of one number. These are the most frequent ones, and their size is known without building a tree.

use std::ffi::{CStr, c_int, c_long, c_longlong, c_short};

/// The length of the longest such text in bytes, with its NUL.
const LONGEST: usize = 3;

/// The text of a format that is one number, with or without an order before it.
///
/// 1. Of the first `len` bytes, the last is NUL, and no other is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Short {
    text: [u8; LONGEST],
    len: u8,
    itemsize: u8,
}

impl Short {
    /// `None` for any other text, which may still be a valid format.
    #[inline(always)]
    pub(crate) fn of(text: &str) -> Option<Self> {
        let (text, len, itemsize) = match *text.as_bytes() {
            [code] => ([code, 0, 0], 2, native(code)?),
            [b'@' | b'^', code] => ([text.as_bytes()[0], code, 0], 3, native(code)?),
            [order @ (b'=' | b'<' | b'>' | b'!'), code] => ([order, code, 0], 3, standard(code)?),
            _ => return None,
        };
        Some(Self { text, len, itemsize })
    }

    #[inline]
    pub(crate) fn as_c_str(&self) -> &CStr {
        let text = self.text.get(..usize::from(self.len)).unwrap_or(&self.text);
        // SAFETY: invariant 1.
        unsafe { CStr::from_bytes_with_nul_unchecked(text) }
    }

    #[inline]
    pub(crate) fn itemsize(self) -> usize {
        self.itemsize.into()
    }
}

/// The size of a number under `@` and `^`.
#[inline(always)]
fn native(code: u8) -> Option<u8> {
    const fn size<T>() -> u8 {
        size_of::<T>().to_le_bytes()[0]
    }
    Some(match code {
        b'h' | b'H' => size::<c_short>(),
        b'i' | b'I' => size::<c_int>(),
        b'l' | b'L' => size::<c_long>(),
        b'q' | b'Q' => size::<c_longlong>(),
        b'n' | b'N' => size::<usize>(),
        _ => return standard(code),
    })
}

/// The size of a number under the other orders.
#[inline(always)]
fn standard(code: u8) -> Option<u8> {
    Some(match code {
        b'?' | b'c' | b'b' | b'B' => 1,
        b'h' | b'H' | b'e' => 2,
        b'i' | b'I' | b'l' | b'L' | b'f' => 4,
        b'q' | b'Q' | b'd' => 8,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Format;

    /// Tries every text of up to three ASCII characters. None of three characters is a short format.
    #[test]
    fn a_short_format_is_what_the_parser_reads() {
        let mut short = 0;
        let characters = || (0..128_u8).map(char::from);
        let one = characters().map(String::from);
        let two = characters().flat_map(|first| characters().map(move |second| format!("{first}{second}")));
        for text in one.chain(two).chain([String::new(), "f\0".to_owned(), "<f ".to_owned(), "é".to_owned()]) {
            if let Some(format) = Short::of(&text) {
                let parsed = Format::parse(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
                assert_eq!((format.as_c_str(), format.itemsize()), (parsed.as_c_str(), parsed.itemsize()), "{text:?}");
                short += 1;
            }
        }
        // 17 codes alone and under `@` and `^`; 15 under the other orders.
        assert_eq!(short, 3 * 17 + 4 * 15);
    }
}
