//! Text that is assembled at compile time: formats, and error messages.

use std::ffi::CStr;

/// Text of at most `N - 1` bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConstText<const N: usize> {
    /// All zeros from `len` on, and `len < N`: so there is a NUL at the end, as in a C string.
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> ConstText<N> {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    /// Appends text.
    ///
    /// # Panics
    ///
    /// At compile time, when there is no room for the text.
    #[must_use]
    pub(super) const fn with(self, text: &str) -> Self {
        self.with_bytes(text.as_bytes())
    }

    /// As [`with`](Self::with), for bytes. For [`as_str`](Self::as_str) they must be UTF-8 when the text is complete.
    #[must_use]
    pub(super) const fn with_bytes(mut self, more: &[u8]) -> Self {
        assert!(more.len() < N - self.len, "the format of the record is too long; give its fields shorter names");
        let (_, room) = self.bytes.split_at_mut(self.len);
        let (room, _) = room.split_at_mut(more.len());
        room.copy_from_slice(more);
        self.len += more.len();
        self
    }

    /// Appends a number in decimal.
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

    /// The beginning of the text that fits an array of `M` bytes, with a NUL at its end.
    #[must_use]
    pub(super) const fn cut<const M: usize>(&self) -> ConstText<M> {
        let len = if self.len < M { self.len } else { M - 1 };
        ConstText::new().with_bytes(self.bytes.split_at(len).0)
    }

    /// # Panics
    ///
    /// At compile time, when the text is not UTF-8.
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
