//! Text that is put together at compile time: formats, and messages of the compiler's.

use std::ffi::CStr;

/// Text of at most `N - 1` bytes, none of which is NUL.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConstText<const N: usize> {
    /// Zeros from `len` on, and `len < N`: so it is a C string as well.
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> ConstText<N> {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    /// With more behind it.
    ///
    /// # Panics
    ///
    /// At compile time, when there is no room for it.
    #[must_use]
    pub(super) const fn with(self, text: &str) -> Self {
        self.with_bytes(text.as_bytes())
    }

    /// As [`with`](Self::with), for bytes that are the ends of characters as well as their starts.
    #[must_use]
    pub(super) const fn with_bytes(mut self, more: &[u8]) -> Self {
        assert!(more.len() < N - self.len, "the format of the record is too long; give its fields shorter names");
        let (_, room) = self.bytes.split_at_mut(self.len);
        let (room, _) = room.split_at_mut(more.len());
        room.copy_from_slice(more);
        self.len += more.len();
        self
    }

    /// With a number behind it, in decimal.
    #[must_use]
    pub(super) const fn with_number(self, number: usize) -> Self {
        let text = if number < 10 { self } else { self.with_number(number / 10) };
        #[expect(clippy::cast_possible_truncation, reason = "one digit")]
        let digit = b'0' + (number % 10) as u8;
        text.with_bytes(&[digit])
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The beginning of it that fits a smaller array.
    #[must_use]
    pub(super) const fn cut<const M: usize>(&self) -> ConstText<M> {
        let len = if self.len < M { self.len } else { M - 1 };
        ConstText::new().with_bytes(self.bytes.split_at(len).0)
    }

    /// # Panics
    ///
    /// At compile time, when a character was added in parts.
    pub(super) const fn as_str(&self) -> &str {
        match str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => panic!("text is put together from whole characters"),
        }
    }

    /// # Panics
    ///
    /// At compile time, when a NUL was added.
    pub(super) const fn as_c_str(&self) -> &CStr {
        match CStr::from_bytes_with_nul(self.bytes.split_at(self.len + 1).0) {
            Ok(text) => text,
            Err(_) => panic!("a format holds no NUL"),
        }
    }
}
