//! The format of elements, in a form that means the same on every machine.

use std::ffi::CStr;
use std::fmt::{self, Display, Write};

use crate::element::Element;
use crate::export::ClassTable;
use crate::layout::InnerShape;

/// The format of an element in a pickle: for an array its shape in parentheses, then the code with a byte order. Codes
/// such as `l`, whose size depends on the platform, become the code that has this size on every platform.
pub(super) struct Portable {
    format: &'static str,
    itemsize: usize,
    shape: &'static [usize],
}

/// The byte order of this machine, as in the module `struct`.
const ORDER: char = if cfg!(target_endian = "little") { '<' } else { '>' };

impl Portable {
    pub(super) fn of<E: Element>() -> Self {
        let shape = const { &E::SHAPE };
        Self::new(E::FORMAT, E::ITEMSIZE, shape)
    }

    /// The same for the elements of a cell.
    pub(super) fn of_cell(cell: &ClassTable) -> Self {
        let descriptor = cell.descriptor();
        Self::new(descriptor.format, descriptor.itemsize, descriptor.inner)
    }

    fn new(format: &'static CStr, itemsize: usize, shape: &'static InnerShape) -> Self {
        // The name of a field may be any text.
        Self { format: format.to_str().unwrap_or(""), itemsize, shape: shape.extents() }
    }
}

impl Display for Portable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, extent) in self.shape.iter().enumerate() {
            f.write_str(if index == 0 { "(" } else { "," })?;
            write!(f, "{extent}")?;
        }
        if !self.shape.is_empty() {
            f.write_char(')')?;
        }
        if self.format.starts_with("T{") {
            // Every code of a record has a byte order before it; `=` is this machine's. A name may contain it too, but
            // only between two colons.
            let mut named = false;
            return self.format.chars().try_for_each(|letter| {
                named ^= letter == ':';
                f.write_char(if letter == '=' && !named { ORDER } else { letter })
            });
        }
        let mut letters = self.format.chars();
        match (letters.next(), self.itemsize) {
            (Some('<' | '>'), _) => return f.write_str(self.format),
            (Some('l' | 'n'), 8) => f.write_char(ORDER).and_then(|()| f.write_char('q'))?,
            (Some('L' | 'N'), 8) => f.write_char(ORDER).and_then(|()| f.write_char('Q'))?,
            (Some('l' | 'n'), 4) => f.write_char(ORDER).and_then(|()| f.write_char('i'))?,
            (Some('L' | 'N'), 4) => f.write_char(ORDER).and_then(|()| f.write_char('I'))?,
            (Some(code), 1) => f.write_char(code)?,
            // `16s`: bytes have no order.
            (Some(code), _) if code.is_ascii_digit() => f.write_char(code)?,
            (Some(code), _) => f.write_char(ORDER).and_then(|()| f.write_char(code))?,
            (None, _) => {}
        }
        f.write_str(letters.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::{Be, Bytes};

    #[test]
    fn formats_are_the_same_on_every_platform() {
        let written = |portable: Portable| portable.to_string();
        assert_eq!(written(Portable::of::<u8>()), "B");
        assert_eq!(written(Portable::of::<f32>()), format!("{ORDER}f"));
        assert_eq!(written(Portable::of::<i64>()), format!("{ORDER}q"));
        assert_eq!(
            written(Portable::of::<usize>()),
            format!("{ORDER}{}", if size_of::<usize>() == 8 { 'Q' } else { 'I' })
        );
        assert_eq!(written(Portable::of::<Be<u16>>()), ">H");
        assert_eq!(written(Portable::of::<Bytes<12>>()), "12s");
        assert_eq!(written(Portable::of::<[[i32; 2]; 3]>()), format!("(3,2){ORDER}i"));
    }
}
